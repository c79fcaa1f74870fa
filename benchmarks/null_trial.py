"""A trial that trains nothing. A Ray worker that runs it imports this module, and so loads what a real trial loads."""

import time
from collections.abc import Iterator

import ray

from experiments.trials.trial import Event
from sweeps.execution.scheduler import Cluster


def events(accuracy: float = 0.5) -> Iterator[Event]:
    """The events of a trial that trains nothing."""
    now = time.time()
    yield {"event": "started", "time": now, "host": "here", "devices": "cpu"}
    yield {
        "event": "epoch",
        "time": now,
        "epoch": 0,
        "loss": 1.0,
        "accuracy": 0.5,
        "train_seconds": 0.0,
        "evaluate_seconds": 0.0,
    }
    metrics = {"accuracy": accuracy, "train_seconds": 0.001}
    yield {
        "event": "outcome",
        "time": now,
        "kind": "completed",
        "error": "",
        "traceback": "",
        "fault": "",
        "metrics": metrics,
        "log": "",
        "request": "{}",
    }


@ray.remote(num_returns="streaming", max_retries=0)
def null_trial(trial):
    """The events of the trial, which is not run."""
    yield from events()


class NullCluster(Cluster):
    """The scheduler, with a task that starts no worker process."""

    def _start(self, attempt):
        return null_trial.options(**self._options(attempt)).remote(attempt.trial)
