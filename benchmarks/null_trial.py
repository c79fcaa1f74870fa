"""A trial that trains nothing. A Ray worker that runs it imports this module, and so loads what a real trial loads."""

import time

import ray

from sweeps.execution.scheduler import Cluster


@ray.remote(num_returns="streaming", max_retries=0)
def null_trial(trial):
    """The events of a trial that trains nothing."""
    now = time.time()
    yield {"event": "started", "time": now, "host": "", "devices": "cpu"}
    yield {
        "event": "epoch",
        "time": now,
        "epoch": 0,
        "loss": 1.0,
        "accuracy": 0.5,
        "train_seconds": 0.0,
        "evaluate_seconds": 0.0,
    }
    metrics = {"accuracy": 0.5, "train_seconds": 0.001}
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


class NullCluster(Cluster):
    """The scheduler, with a task that starts no worker process."""

    def _start(self, attempt):
        return null_trial.options(**self._options(attempt)).remote(attempt.trial)
