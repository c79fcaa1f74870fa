"""The report of a large sweep, from MLflow's SQLite: seconds, memory of the process that makes it, size of the file.

    python -m benchmarks.report [RUNS ...]

One-at-a-time over twelve settings in five frameworks, with as many seeds as give so many runs (1,000 and 10,000 if not said).
The runs' results are drawn from a random generator: nothing is trained. Writing them comes first and is not measured.
"""

import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from adapters import load_spec
from experiments.locations import PROJECT
from experiments.recording import store
from experiments.recording.recorder import RunWriters
from experiments.trials.trial import Event, Trial
from sweeps.planning import config, planner
from sweeps.planning.plan import Plan
from sweeps.state import SweepFolder

ADAPTERS = ["pytorch", "tensorflow", "mxnet-gluon", "chainer", "cntk"]
SETTINGS = {
    "init": ["native", "uniform_001"],
    "bias_init": ["zeros", "fan_in_uniform"],
    "relu": ["before_pool", "after_pool"],
    "momentum": ["classical", "unit_gain"],
    "nesterov": ["off", "on"],
    "dropout_at_test": ["off", "on"],
    "loss": ["logits", "softmax_twice"],
    "labels": ["sparse", "one_hot"],
    "shuffle": ["observations", "batches"],
    "sync": ["every_ten", "each_step"],
    "threads": ["given", "machine"],
    "data_layout": ["same", "transposed"],
}
BATCH = 200  # trials in one transaction


def main() -> None:
    for runs in [int(argument) for argument in sys.argv[1:]] or [1000, 10000]:
        with tempfile.TemporaryDirectory() as home:
            made = write(runs, Path(home))
            seconds = time.perf_counter()
            command = [sys.executable, str(PROJECT / "sweep.py"), "report", "large", "--home", home, "--json"]
            done = subprocess.run(command, capture_output=True, text=True)
            seconds = time.perf_counter() - seconds
            if done.returncode:
                sys.exit(done.stderr)
            memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            size = os.path.getsize(Path(home) / "large" / "1" / "report.html") / 1e6
            print(
                f"{made} runs x {len(SETTINGS)} settings: {seconds:.1f} s, at most {memory:.0f} MiB, report.html {size:.1f} MB",
                flush=True,
            )


def write(runs: int, home: Path) -> int:
    """Put a finished sweep of about so many runs into MLflow; returns how many they are."""
    plan = planned(runs)
    folder = SweepFolder(home, "large", 1)
    folder.path.mkdir(parents=True)
    plan.write(folder.plan)
    mlflow = store.open_sweep(home, folder.path, "large", "sweep large/1", {"sweep": "large/1"})
    store.log_files(mlflow, [folder.plan])
    writers, draw = RunWriters(mlflow), random.Random(0)
    for start in range(0, len(plan.order), BATCH):
        some = plan.order[start : start + BATCH]
        writers.write([(folder.record(trial).create(trial), event) for trial in some for event in events(trial, draw)])
    assert not writers.unwritten
    store.close_sweep(mlflow, "FINISHED")
    return len(plan.order)


def planned(runs: int) -> Plan:
    declared = {
        "name": "large",
        "workload": {"name": "digits_cnn"},
        "adapters": ADAPTERS,
        "design": "one-at-a-time",
        "settings": SETTINGS,
    }
    one = len(planner.plan(config.parse({**declared, "seeds": 1}, "benchmark")).order)
    return planner.plan(config.parse({**declared, "seeds": round(runs / one)}, "benchmark"))


def events(trial: Trial, draw: random.Random) -> Iterator[Event]:
    """What a trial says, its results drawn: each choice that is not native costs a point and 5 % of the time."""
    natives = load_spec(trial.adapter).native(trial.workload.model)
    changed = sum(natives[name] != choice for name, choice in trial.configuration.items())
    accuracy, step = 0.8 - 0.01 * changed + draw.gauss(0, 0.005), 5.0 * 1.05**changed * draw.lognormvariate(0, 0.05)
    yield {"event": "started", "time": 0.0, "host": "here", "devices": "cpu"}
    for epoch in range(2):
        yield {
            "event": "epoch",
            "time": 1.0,
            "epoch": epoch,
            "loss": 1.0 - accuracy,
            "accuracy": accuracy,
            "train_seconds": 1.0,
            "evaluate_seconds": 0.1,
        }
    metrics = {
        "accuracy": accuracy,
        "step_ms_median": step,
        "step_ms_iqr": 0.1,
        "train_seconds": step,
        "total_seconds": step + 2,
    }
    yield {"event": "outcome", "time": 2.0, "kind": "completed", "error": "", "traceback": "", "metrics": metrics}


if __name__ == "__main__":
    main()
