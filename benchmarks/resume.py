"""Resuming a sweep of 10,000 trials that is 99 % complete: CPU time per trial, and time to the first new trial.

    python -m benchmarks.resume [TRIALS]

The driver's own code writes the records and the ledger from synthetic outcomes; `reconcile` writes MLflow. The cost is
the driver's CPU time for the three events of a trial: the last hundred trials compared with the first hundred. The time
to the first new trial runs from the command to its record. The start of Ray is measured separately and subtracted.
"""

import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from benchmarks.null_trial import events
from experiments.locations import PROJECT
from experiments.recording import store, writer
from experiments.trials.trial import Event
from sweeps.execution import driver
from sweeps.execution.ledger import Ledger, open_ledger
from sweeps.execution.storage import Lease, Storage
from sweeps.planning import config, planner
from sweeps.state import SweepFolder, open_folder

SWEEP = {
    "name": "long",
    "workload": {"name": "digits_cnn", "epochs": 1, "filters": [4, 8], "hidden": 16, "train_examples": 128},
    "adapters": ["reference"],
    "design": "one-at-a-time",
    "settings": {
        "init": ["native", "lecun_normal"],
        "relu": ["before_pool", "after_pool"],
        "labels": ["sparse", "one_hot"],
    },
    "unverified": True,
}
ROWS = 5  # trials per seed: the default configuration twice, and three with one setting changed
HUNDRED = 100
RAY = (
    "import time, ray; start = time.monotonic(); ray.init(log_to_driver=False, logging_level='ERROR'); "
    "print(time.monotonic() - start)"
)


class Silent:
    """Replaces the recorder, which runs in another process."""

    def record(self, record: object, event: Event) -> None: ...


def run_hundred(first: int, folder: SweepFolder, ledger: Ledger) -> float:
    """The driver's CPU seconds per trial, over a hundred trials."""
    start = time.process_time()
    for number in range(first, first + HUNDRED):
        trial = ledger.next(lambda adapter: True)
        assert trial
        for event in events(0.5 + number % 7 / 100):
            driver._take(trial, event, folder, ledger, Silent())  # type: ignore[arg-type]
    return (time.process_time() - start) / HUNDRED


def prepare(home: Path, trials: int) -> list[float]:
    """Write the state of a sweep that is 99 % complete; returns the CPU seconds per trial of each hundred."""
    declared = config.parse({**SWEEP, "seeds": trials // ROWS}, "benchmark")
    (home / "long.yaml").write_text(yaml.safe_dump({**SWEEP, "seeds": trials // ROWS}))
    folder = open_folder(home, declared.name, fresh=False)
    ledger = open_ledger(declared, planner.plan(declared), Storage(Lease(folder.path, folder.title)), folder.title)
    ledger.prepare({}.get)
    assert ledger.planned == trials
    costs = [run_hundred(first, folder, ledger) for first in range(0, trials * 99 // 100 // HUNDRED * HUNDRED, HUNDRED)]
    run = store.open_sweep(home, folder.path, "long", "sweep long/1", {"sweep": "long/1"})
    writer.reconcile(run, folder.records())
    store.close_sweep(run, "KILLED")
    return costs


def first_start(home: Path) -> float:
    """Seconds from the command to the record of the first new trial."""
    trials = home / "long" / "1" / "trials"
    before, start = len(list(trials.iterdir())), time.monotonic()
    command = [sys.executable, str(PROJECT / "sweep.py"), "run", str(home / "long.yaml"), "--home", str(home)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while len(os.listdir(trials)) == before:
            assert process.poll() is None, "the driver ended before it started a trial"
            time.sleep(0.1)
        seconds = time.monotonic() - start
        process.send_signal(signal.SIGTERM)
    return seconds


def ray_start() -> float:
    """Seconds that Ray itself takes to start, in a new process."""
    done = subprocess.run([sys.executable, "-c", RAY], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def main(trials: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        costs = prepare(home, trials)
        rays = [ray_start() for _ in range(3)]
        starts = [first_start(home) for _ in range(3)]
    print(f"{trials} trials, {len(costs) * HUNDRED} completed")
    first, last = 1000 * costs[0], 1000 * costs[-1]
    print(f"driver's CPU time per trial: first 100 {first:.1f} ms, last 100 {last:.1f} ms, ratio {last / first:.2f}")
    for start, ray in itertools.zip_longest(starts, rays):
        print(f"first new trial after {start:.1f} s; start of Ray itself {ray:.1f} s")
    print(f"minimum of three, without the start of Ray: {min(starts) - min(rays):.1f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
