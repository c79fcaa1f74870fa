"""The report of a large sweep from MLflow's SQLite store: run time, peak memory and file size.

    python -m benchmarks.report [RUNS ...]

The sweep is one-at-a-time over twelve settings in five adapters, with enough seeds for about RUNS runs (default: 1,000
and 10,000). The results are random: nothing is trained. They are written before the measurement starts.
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
            written = write(runs, Path(home))
            seconds = time.perf_counter()
            command = [sys.executable, str(PROJECT / "sweep.py"), "report", "large", "--home", home, "--json"]
            done = subprocess.run(command, capture_output=True, text=True)
            seconds = time.perf_counter() - seconds
            if done.returncode:
                sys.exit(done.stderr)
            memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            size = os.path.getsize(Path(home) / "large" / "1" / "report.html") / 1e6
            print(
                f"{written} runs x {len(SETTINGS)} settings: {seconds:.1f} s, peak memory {memory:.0f} MiB, "
                f"report.html {size:.1f} MB",
                flush=True,
            )


def write(runs: int, home: Path) -> int:
    """Write a finished sweep of about `runs` runs to MLflow; returns the exact number."""
    plan = planned(runs)
    folder = SweepFolder(home, "large", 1)
    folder.path.mkdir(parents=True)
    plan.write(folder.plan)
    mlflow = store.open_sweep(home, folder.path, "large", "sweep large/1", {"sweep": "large/1"})
    store.log_files(mlflow, [folder.plan])
    writers, draw = RunWriters(mlflow), random.Random(0)
    for start in range(0, len(plan.order), BATCH):
        batch = plan.order[start : start + BATCH]
        writers.write([(folder.record(trial).create(trial), event) for trial in batch for event in events(trial, draw)])
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
    """A trial's events with random results. Each choice but the default costs 1 point of accuracy and 5 % of time."""
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
