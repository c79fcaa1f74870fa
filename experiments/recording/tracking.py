"""MLflow: one experiment per sweep, one parent run, one child run per trial. The only module that imports mlflow.

MLflow is a projection of the trial records: one run for each trial, of its last attempt. A `Recorder` writes while the sweep
runs; what it could not write is written by the next `reconcile`. Writing the same record twice changes nothing.
"""

import fnmatch
import json
import logging
import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

# A server that is away is reported within seconds; mlflow's own default is minutes.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # which is JSON's
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nothing about a sweep leaves the house unasked

import filelock
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NAME, MLFLOW_RUN_NOTE
from sqlalchemy.exc import SQLAlchemyError

from experiments.errors import TrackingError
from experiments.redaction import without_passwords
from experiments.trials.records import RECORDED, TrialRecord, fields
from experiments.trials.trial import COMPLETED, FAILED, OUTCOMES, PRUNED, Event
from experiments.trials.workload import Workload

# An epoch's fields and the metrics they become; a setting is called `loss`, so the metric can't be.
EPOCH_METRICS = {
    "accuracy": "accuracy",
    "loss": "train_loss",
    "train_seconds": "epoch_train_seconds",
    "evaluate_seconds": "epoch_evaluate_seconds",
}
MLFLOW_EXPERIMENT_KIND = "mlflow.experimentKind"  # the page opens on training runs, not on language models' traces
MEMORY = "mlflow.json"  # in a sweep's folder: which run is its parent
PAGE = 1000  # runs asked for at a time


def tracking_uri(home: Path) -> str:
    """MLFLOW_TRACKING_URI, or the SQLite store in the sweeps' home."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home / 'mlflow.db'}"


def _embedded(uri: str) -> Path | None:
    """The file of an SQLite store; None of a server."""
    scheme, _, path = uri.partition(":///")
    return Path(path) if scheme == "sqlite" else None


class SweepRun(NamedTuple):
    """Where one sweep is in MLflow."""

    uri: str
    experiment: str
    experiment_id: str
    run_id: str


def connect(uri: str) -> MlflowClient:
    """Raises TrackingError with one clear line where the store can't be reached."""
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    try:
        _make_store(_embedded(uri))
        client = MlflowClient(uri)
        client.search_experiments(max_results=1)
    except Exception as error:
        cause = _cause(error, uri)
        raise TrackingError(
            f"MLflow at {public(uri)} can't be reached ({cause}); start it or change MLFLOW_TRACKING_URI"
        ) from error
    return client


def _make_store(path: Path | None) -> None:
    """Make the embedded store in another place and move it to its own when it is whole.

    MLflow takes seconds and many statements to make its tables: a driver that dies meanwhile, or two that start at once, leave a
    file that no later one can open.
    """
    if path is None or path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(path.with_suffix(".lock")):
        if not path.exists():
            for left in path.parent.glob(path.name + ".new*"):
                left.unlink()
            new = path.with_name(path.name + ".new")
            MlflowClient(f"sqlite:///{new}").search_experiments(max_results=1)
            new.rename(path)


@contextmanager
def reaching(uri: str) -> Iterator[MlflowClient]:
    """A client; whatever goes wrong in its use, on the way to the store or in it, is a TrackingError with one clear line."""
    client = connect(uri)
    try:
        yield client
    except (MlflowException, OSError, SQLAlchemyError) as error:
        cause = _cause(error, uri)
        raise TrackingError(
            f"MLflow at {public(uri)} failed ({cause}); what is done is kept: python sweep.py sync writes it when it is back"
        ) from error


def _cause(error: Exception, uri: str) -> str:
    """The first line of what went wrong, without the address's password."""
    lines = without_passwords(str(error).replace(uri, public(uri))).splitlines()
    return lines[0][:200] if lines else type(error).__name__


def client_of(sweep: SweepRun) -> MlflowClient:
    """A client of the sweep's store, which may be away."""
    return MlflowClient(sweep.uri)


def public(uri: str) -> str:
    """The address without user name and password."""
    return without_passwords(uri)


def open_sweep(home: Path, folder: Path, experiment: str, name: str, tags: dict[str, str]) -> SweepRun:
    """The sweep's parent run, RUNNING: the one that `folder` remembers, or a new one."""
    uri = tracking_uri(home)
    with reaching(uri) as client:
        _let_readers_in(uri)
        experiment_id = _experiment(client, experiment, home, uri)
        run = _remembered(client, folder)
        if run is None:
            run = client.create_run(experiment_id, tags={**tags, MLFLOW_RUN_NAME: name})
            (folder / MEMORY).write_text(json.dumps({"run_id": run.info.run_id}))
        client.update_run(run.info.run_id, status="RUNNING")
    return SweepRun(uri, experiment, run.info.experiment_id, run.info.run_id)


def ended_sweep(home: Path, folder: Path, experiment: str) -> SweepRun | None:
    """The parent run that `folder` remembers; None where MLflow has it no more, or it was never ended."""
    uri = tracking_uri(home)
    with reaching(uri) as client:
        run = _remembered(client, folder)
    ended = run is not None and run.info.status != "RUNNING"
    return SweepRun(uri, experiment, run.info.experiment_id, run.info.run_id) if run and ended else None


def _let_readers_in(uri: str) -> None:
    """The embedded store keeps a write-ahead log: MLflow's pages read while a sweep writes, and a write costs one sync."""
    path = _embedded(uri)
    if path:
        sqlite3.connect(path).execute("PRAGMA journal_mode = WAL").connection.close()


def _experiment(client: MlflowClient, name: str, home: Path, uri: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is None:
        place = (home / "artifacts" / name).as_uri() if _embedded(uri) else None
        return str(client.create_experiment(name, place, tags={MLFLOW_EXPERIMENT_KIND: "custom_model_development"}))
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def _remembered(client: MlflowClient, folder: Path) -> Run | None:
    memory = folder / MEMORY
    if not memory.is_file():
        return None
    try:
        run: Run = client.get_run(json.loads(memory.read_text())["run_id"])
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
            raise
        return None
    return run if run.info.lifecycle_stage == "active" else None


def log_files(sweep: SweepRun, files: Iterable[Path], description: str = "") -> None:
    """Attach files to the parent run; `description` is shown on its page."""
    with reaching(sweep.uri) as client:
        for path in files:
            client.log_artifact(sweep.run_id, str(path))
        if description:
            client.set_tag(sweep.run_id, MLFLOW_RUN_NOTE, description)


def close_sweep(sweep: SweepRun, status: str) -> None:
    """End the parent run: FINISHED or KILLED."""
    with reaching(sweep.uri) as client:
        client.set_terminated(sweep.run_id, status)


def children(client: MlflowClient, sweep: SweepRun) -> list[Run]:
    """The runs of the sweep's trials."""
    found: list[Run] = []
    token: str | None = None
    wanted = f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{sweep.run_id}'"
    while True:
        page = client.search_runs([sweep.experiment_id], wanted, max_results=PAGE, page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def reconcile(sweep: SweepRun, records: Iterable[TrialRecord]) -> int:
    """Bring MLflow up to date with the trial records; returns how many runs were written or deleted.

    A finished trial whose run is missing or unfinished is written. Any other run is one of an attempt that was cut off: it
    is deleted, for the trial runs again.
    """
    changed = 0
    with reaching(sweep.uri) as client:
        runs: dict[str, list[Run]] = defaultdict(list)
        for run in children(client, sweep):
            runs[run.data.tags.get("trial", "")].append(run)
        for record in records:
            if record.outcome():
                mine = runs[record.description()["identity"]]
                written = [run for run in mine if "outcome" in run.data.tags and run.info.status != "RUNNING"]
                if written:
                    mine.remove(written[0])
                else:
                    with one_transaction(client):
                        RunWriter(client, sweep, record).write(record.events())
                    changed += 1
        cut_off = [run.info.run_id for left in runs.values() for run in left]
        for run_id in cut_off:
            _discard(client, run_id)
    return changed + len(cut_off)


def _discard(client: MlflowClient, run_id: str) -> None:
    client.set_terminated(run_id, "KILLED")
    client.delete_run(run_id)


class RunWriter:
    """Writes the events of one trial to its run, as many at a time as there are."""

    def __init__(self, client: MlflowClient, sweep: SweepRun, record: TrialRecord):
        self.client, self.sweep, self.record = client, sweep, record
        self.run: Run | None = None

    def write(self, events: list[Event]) -> None:
        """Write them; the first ones make the run, an outcome ends it. One that starts again has a new run in place of the old."""
        starts = [place for place, event in enumerate(events) if event["event"] == "started"]
        if starts:
            events = events[starts[-1] :]
            if self.run:
                _discard(self.client, self.run.info.run_id)
                self.run = None
        metrics = [metric for event in events for metric in _metrics(event)]
        tags = {name: value[:5000] for event in events for name, value in _tags(event).items()}
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
        # Not client.log_artifacts: it reads the whole run again to learn where its artifacts belong.
        files: Any = get_artifact_repository(run.info.artifact_uri, self.sweep.uri)
        files.log_artifacts(str(self.record.folder))
        status = {FAILED: "FAILED", PRUNED: "KILLED"}.get(outcome["kind"], "FINISHED")
        self.client.set_terminated(run.info.run_id, status, int(1000 * outcome["time"]))

    def kill(self) -> None:
        """End the run of a trial that was cut off."""
        if self.run:
            self.client.set_terminated(self.run.info.run_id, "KILLED")


@contextmanager
def one_transaction(client: MlflowClient) -> Iterator[None]:
    """Let the embedded store make all calls within in one session: they are written wholly or not at all.

    It opens six for a run that ends, some within others, and asks for the same rows in each: a third of all its time; and it commits
    metrics by themselves, a seventh of the rest. A server takes them call by call.
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
    """Keep a call that fails from undoing what others wrote before it as if they had not been made: all of it fails."""
    raise TrackingError("MLflow could not take one of the calls of a transaction")


@contextmanager
def _shared(session: Any, read_only: bool = True) -> Iterator[Any]:
    yield session
    session.flush()


def _metrics(event: Event) -> list[Metric]:
    """An epoch's metrics at its number; an outcome's at the end. The last `accuracy` is the trial's."""
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


def _tags(event: Event) -> dict[str, str]:
    if event["event"] == "started":
        return {"host": event["host"], "devices": event["devices"]}
    if event["event"] == "ready":
        in_force = {f"effective.{name}": str(choice) for name, choice in event["settings"].items()}
        return in_force | {f"version.{name}": version for name, version in event["versions"].items()}
    if event["event"] == "outcome":
        return {"outcome": event["kind"]} | ({"error": event["error"]} if event["error"] else {})
    return {}


# Reading back


def last_sweep(home: Path, experiment: str) -> SweepRun:
    """The newest parent run of an experiment. Raises TrackingError where there is none."""
    uri = tracking_uri(home)
    client = connect(uri)
    found = client.get_experiment_by_name(experiment)
    runs = found and client.search_runs(
        [found.experiment_id], "tags.sweep != ''", order_by=["attributes.start_time DESC"], max_results=1
    )
    if not found or not runs:
        raise TrackingError(
            f"MLflow at {public(uri)} holds no sweep '{experiment}'; run it first: python sweep.py run FILE"
        )
    return SweepRun(uri, experiment, found.experiment_id, runs[0].info.run_id)


def read_files(sweep: SweepRun, patterns: Iterable[str], folder: Path) -> dict[str, Any]:
    """{name: content} of the JSON files that were stored with the sweep under names like these. `folder` receives them.

    Raises TrackingError. MLflow keeps what a server says in the folder.
    """
    with reaching(sweep.uri) as client:
        stored = [file.path for file in client.list_artifacts(sweep.run_id)]
        names = [name for pattern in patterns for name in fnmatch.filter(stored, pattern)]
        paths = {name: client.download_artifacts(sweep.run_id, name, str(folder)) for name in names}
    try:
        return {name: json.loads(Path(path).read_bytes()) for name, path in paths.items()}
    except (OSError, ValueError, RecursionError) as error:
        raise TrackingError(
            f"the files of sweep '{sweep.experiment}' in MLflow can't be read ({error}); run the sweep again with --fresh"
        ) from error


def read_curves(sweep: SweepRun, runs: pd.DataFrame) -> pd.DataFrame:
    """The accuracy after each epoch of these runs (rows of `read_runs`): columns adapter, seed, epoch and accuracy."""
    rows = []
    with reaching(sweep.uri) as client:
        for run in runs.to_dict("records"):
            for metric in client.get_metric_history(run["run"], "accuracy"):
                rows.append(
                    {"adapter": run["adapter"], "seed": run["seed"], "epoch": metric.step, "accuracy": metric.value}
                )
    return pd.DataFrame(rows)


def read_trial(home: Path, run_id: str, folder: Path) -> TrialRecord:
    """The record of a finished trial, read back into `folder`. Raises TrackingError where the run is none."""
    uri = tracking_uri(home)
    client = connect(uri)
    try:
        run = client.get_run(run_id)
        finished = "outcome" in run.data.tags
        if finished:
            for name in {file.path for file in client.list_artifacts(run_id)} & RECORDED:
                client.download_artifacts(run_id, name, str(folder))
    except (MlflowException, OSError) as error:
        cause = _cause(error, uri)
        raise TrackingError(
            f"MLflow at {public(uri)} has no run '{run_id}' to read ({cause}); its page shows the ids"
        ) from None
    record = TrialRecord(folder)
    if not finished or record.outcome() is None:
        raise TrackingError(f"run '{run_id}' is no finished trial; name one of a sweep's child runs")
    return record


def read_runs(sweep: SweepRun) -> pd.DataFrame:
    """One row for each trial with an outcome: params, seed, outcome, error, metrics, its identity (trial), that of the trial
    which it repeats, if any, what made it, and MLflow's id (run). Unsupported settings are NaN."""
    with reaching(sweep.uri) as client:
        return pd.DataFrame([_row(run) for run in children(client, sweep) if "outcome" in run.data.tags])


def _row(run: Run) -> dict[str, Any]:
    tags = run.data.tags
    if not (tags.get("seed", "").isdecimal() and tags["outcome"] in OUTCOMES and "adapter" in run.data.params):
        raise TrackingError(
            f"run '{run.info.run_id}' in MLflow lacks a trial's seed, outcome or adapter: somebody changed it; delete it there"
        )
    params = {name: value for name, value in run.data.params.items() if value != "unsupported"}
    facts = {"seed": int(tags["seed"]), "outcome": tags["outcome"], "error": tags.get("error", "")}
    made = {name: tags.get(name, "") for name in ("trial", "repeats", "environment", "revision", "host")}
    return {**params, **facts, **made, "run": run.info.run_id, **run.data.metrics}


def read_pilot(home: Path, workload: Workload, device: str) -> pd.DataFrame:
    """The last thousand completed runs of a workload on a kind of device, of any sweep in this home: rows as of `read_runs`."""
    uri = tracking_uri(home)
    path = _embedded(uri)
    if path and not path.is_file():
        return pd.DataFrame()  # looking would make an empty store
    client = connect(uri)
    wanted = [f"params.`{name}` = '{value}'" for name, value in fields(workload).items()]
    wanted += [f"tags.device = '{device}'", f"tags.outcome = '{COMPLETED}'"]
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return pd.DataFrame([_row(run) for run in client.search_runs(experiments, " and ".join(wanted), max_results=PAGE)])
