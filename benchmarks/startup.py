"""Startup time: from a worker's start to the end of its first step, without the framework's own import.

    python -m benchmarks.startup [REPEATS]

The published network on the digits, batch size 64. This is the time that the project itself adds to a trial.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from adapters import ADAPTERS, load_spec
from experiments import locations
from experiments.preparation import datasets
from experiments.preparation.environments import Environment
from experiments.running import runner
from experiments.trials.trial import Trial
from experiments.trials.workload import workload_named


def first_step(name: str) -> float:
    """Seconds from the start of an adapter's worker to the end of its first step, without the import."""
    workload = workload_named("digits_cnn").with_overrides(epochs=1, train_examples=64)
    trial = Trial(name, workload, load_spec(name).native(workload.model), 0, "cpu", 2)
    environment = Environment(trial.spec, "cpu", locations.cache())
    environment.create()
    data = datasets.prepare(workload.dataset, locations.cache())
    with tempfile.TemporaryDirectory() as folder:
        start = time.time()
        events = list(runner.events(trial, Path(folder), environment, trial.request("train", str(data))))
    ready, done = events[0], events[-1]
    return ready["time"] - start - ready["import_seconds"] + done["first_step_seconds"]


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    for name in ADAPTERS:
        seconds = [first_step(name) for _ in range(repeats)]
        print(
            f"{name}: {statistics.median(seconds):.2f} s (minimum {min(seconds):.2f}) from start to first step, "
            "without the import",
            flush=True,
        )


if __name__ == "__main__":
    main()
