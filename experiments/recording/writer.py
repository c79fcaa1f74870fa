"""Writing trial records to MLflow: one run per trial, as its events arrive or from its record."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NAME

from experiments.errors import TrackingError
from experiments.recording.store import SweepRun, connected, trial_runs
from experiments.trials.records import TrialRecord
from experiments.trials.trial import FAILED, PRUNED, Event

# The fields of an epoch event and the metrics they become: not `loss`, which is a setting's name.
EPOCH_METRICS = {
    "accuracy": "accuracy",
    "loss": "train_loss",
    "train_seconds": "epoch_train_seconds",
    "evaluate_seconds": "epoch_evaluate_seconds",
}


def reconcile(sweep: SweepRun, records: Iterable[TrialRecord]) -> int:
    """Bring MLflow up to date with the trial records; returns how many runs were written or deleted.

    A finished trial whose run is missing or unfinished is written. Any other run belongs to an interrupted attempt. It
    is deleted, because the trial will run again. Raises TrackingError.
    """
    changed = 0
    with connected(sweep.uri) as client:
        runs: dict[str, list[Run]] = defaultdict(list)
        for run in trial_runs(client, sweep):
            runs[run.data.tags.get("trial", "")].append(run)
        for record in records:
            if record.outcome():
                mine = runs[record.description()["identity"]]
                complete = [run for run in mine if "outcome" in run.data.tags and run.info.status != "RUNNING"]
                if complete:
                    mine.remove(complete[0])
                else:
                    with one_transaction(client):
                        RunWriter(client, sweep, record).write(record.events())
                    changed += 1
        interrupted = [run.info.run_id for left in runs.values() for run in left]
        for run_id in interrupted:
            _discard(client, run_id)
    return changed + len(interrupted)


def _discard(client: MlflowClient, run_id: str) -> None:
    client.set_terminated(run_id, "KILLED")
    client.delete_run(run_id)


class RunWriter:
    """Writes the events of one trial to its run, one or more at a time."""

    def __init__(self, client: MlflowClient, sweep: SweepRun, record: TrialRecord):
        self.client, self.sweep, self.record = client, sweep, record
        self.run: Run | None = None

    def write(self, events: list[Event]) -> None:
        """Write events: the first ones create the run, an outcome ends it, another start replaces it by a new run."""
        starts = [place for place, event in enumerate(events) if event["event"] == "started"]
        if starts:
            events = events[starts[-1] :]
            if self.run:
                _discard(self.client, self.run.info.run_id)
                self.run = None
        metrics = [metric for event in events for metric in event_metrics(event)]
        tags = {name: value[:5000] for event in events for name, value in event_tags(event).items()}
        params: dict[str, Any] = {}
        if self.run is None:
            described = self.record.description()
            params = described["params"]
            self.run = self._create(int(1000 * events[0]["time"]), described, tags)
            tags = {}
        self.client.log_batch(
            self.run.info.run_id,
            metrics,
            [Param(name, str(value)) for name, value in params.items()],
            [RunTag(name, value) for name, value in tags.items()],
        )
        if events[-1]["event"] == "outcome":
            self._finish(self.run, events[-1])

    def _create(self, start: int, described: dict[str, Any], tags: dict[str, str]) -> Run:
        ours = {MLFLOW_PARENT_RUN_ID: self.sweep.run_id, MLFLOW_RUN_NAME: described["name"]}
        return self.client.create_run(self.sweep.experiment_id, start, ours | described["tags"] | tags)

    def _finish(self, run: Run, outcome: Event) -> None:
        # client.log_artifacts would read the whole run again to find out where its artifacts are stored.
        files: Any = get_artifact_repository(run.info.artifact_uri, self.sweep.uri)
        files.log_artifacts(str(self.record.folder))
        status = {FAILED: "FAILED", PRUNED: "KILLED"}.get(outcome["kind"], "FINISHED")
        self.client.set_terminated(run.info.run_id, status, int(1000 * outcome["time"]))

    def kill(self) -> None:
        """End the run of an interrupted trial."""
        if self.run:
            self.client.set_terminated(self.run.info.run_id, "KILLED")


@contextmanager
def one_transaction(client: MlflowClient) -> Iterator[None]:
    """Make the embedded store write all calls within in one session: all of them or none.

    By itself the store opens six sessions for a run that ends, some nested, and reads the same rows in each: a third of
    its time. It also commits metrics separately, a seventh of the rest. A server takes the calls one by one.
    """
    store: Any = client._tracking_client.store
    open_session = getattr(store, "ManagedSessionMaker", None)
    if open_session is None:  # a server
        yield
        return
    with open_session(read_only=False) as session:
        store.ManagedSessionMaker = partial(_shared, session)
        session.commit, session.rollback = session.flush, _refuse_rollback
        try:
            yield
        finally:
            del session.commit, session.rollback
            store.ManagedSessionMaker = open_session


def _refuse_rollback() -> None:
    """A failing call must not silently undo the calls before it: the whole transaction fails."""
    raise TrackingError("MLflow refused one of the calls of a transaction")


@contextmanager
def _shared(session: Any, read_only: bool = True) -> Iterator[Any]:
    yield session
    session.flush()


def event_metrics(event: Event) -> list[Metric]:
    """The metrics of an event; those of an epoch have its number as their step. The last `accuracy` is the trial's."""
    if event["event"] == "epoch":
        step = event["epoch"]
        values = {shown: event[name] for name, shown in EPOCH_METRICS.items()}
    elif event["event"] == "ready":
        names, step = ("import_seconds", "data_seconds", "build_seconds"), 0
        values = {name: event[name] for name in names}
    elif event["event"] == "outcome":
        values, step = {name: value for name, value in event["metrics"].items() if name != "accuracy"}, 0
    else:
        return []
    stamp = int(1000 * event["time"])
    return [Metric(name, value, stamp, step) for name, value in values.items() if value is not None]


def event_tags(event: Event) -> dict[str, str]:
    """The tags of an event."""
    if event["event"] == "started":
        return {"host": event["host"], "devices": event["devices"]}
    if event["event"] == "ready":
        in_force = {f"effective.{name}": str(choice) for name, choice in event["settings"].items()}
        return in_force | {f"version.{name}": version for name, version in event["versions"].items()}
    if event["event"] == "outcome":
        return {"outcome": event["kind"]} | ({"error": event["error"]} if event["error"] else {})
    return {}
