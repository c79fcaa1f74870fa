"""MLflow: one experiment per sweep, one parent run, one child run per trial. The only module that imports mlflow.

MLflow is a projection of the trial records, written by the driver alone. A `Recorder` writes while the sweep runs; what it
could not write is written by the next `reconcile`. Writing the same record twice changes nothing.
"""

import fnmatch
import json
import logging
import multiprocessing
import os
import signal
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

# A server that is away is reported within seconds; mlflow's own default is minutes.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nothing about a sweep leaves the house unasked

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NAME, MLFLOW_RUN_NOTE

from experiments.errors import TrackingError
from experiments.records import TrialRecord, fields
from experiments.trial import COMPLETED, DIVERGED, Event
from experiments.workload import Workload

# An epoch's fields and the metrics they become; a setting is called `loss`, so the metric can't be.
EPOCH_METRICS = {
    "accuracy": "accuracy",
    "loss": "train_loss",
    "train_seconds": "epoch_train_seconds",
    "evaluate_seconds": "epoch_evaluate_seconds",
}
MLFLOW_EXPERIMENT_KIND = "mlflow.experimentKind"  # the page opens on training runs, not on language models' traces
PAGE = 1000  # runs asked for at a time
BATCH = 60  # events written at a time


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
        client = MlflowClient(uri)
        client.search_experiments(max_results=1)
    except Exception as error:
        cause = str(error).replace(uri, public(uri)).splitlines()[0][:200]
        raise TrackingError(
            f"MLflow at {public(uri)} can't be reached ({cause}); start it or change MLFLOW_TRACKING_URI"
        ) from error
    return client


def public(uri: str) -> str:
    """The address without user name and password."""
    scheme, separator, rest = uri.partition("://")
    return scheme + separator + rest.rpartition("@")[2] if separator else uri


def open_sweep(home: Path, folder: Path, experiment: str, name: str, tags: dict[str, str]) -> SweepRun:
    """The sweep's parent run, RUNNING: the one that `folder` remembers, or a new one."""
    uri = tracking_uri(home)
    client = connect(uri)
    _let_readers_in(uri)
    experiment_id = _experiment(client, experiment, home, uri)
    memory = folder / "mlflow.json"
    run = _remembered(client, memory)
    if run is None:
        run = client.create_run(experiment_id, tags={**tags, MLFLOW_RUN_NAME: name})
        memory.write_text(json.dumps({"run_id": run.info.run_id}))
    client.update_run(run.info.run_id, status="RUNNING")
    return SweepRun(uri, experiment, run.info.experiment_id, run.info.run_id)


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


def _remembered(client: MlflowClient, memory: Path) -> Run | None:
    if not memory.is_file():
        return None
    try:
        run: Run = client.get_run(json.loads(memory.read_text())["run_id"])
    except MlflowException:
        return None
    return run if run.info.lifecycle_stage == "active" else None


def log_files(sweep: SweepRun, files: Iterable[Path], description: str = "") -> None:
    """Attach files to the parent run; `description` is shown on its page."""
    client = connect(sweep.uri)
    for path in files:
        client.log_artifact(sweep.run_id, str(path))
    if description:
        client.set_tag(sweep.run_id, MLFLOW_RUN_NOTE, description)


def close_sweep(sweep: SweepRun, status: str) -> None:
    """End the parent run: FINISHED or KILLED."""
    connect(sweep.uri).set_terminated(sweep.run_id, status)


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
    """Bring MLflow up to date with the trial records; returns how many runs were written or ended.

    Finished trials whose run is missing or unfinished are written; runs of trials without an outcome are ended.
    """
    client = connect(sweep.uri)
    runs: dict[str, list[Run]] = defaultdict(list)
    for run in children(client, sweep):
        runs[run.data.tags.get("trial", "")].append(run)
    changed = 0
    for record in records:
        if record.outcome() is None:
            continue
        mine = runs.pop(record.description()["identity"], [])
        if not any("outcome" in run.data.tags and run.info.status != "RUNNING" for run in mine):
            _write(client, sweep, record, mine)
            changed += 1
        changed += sum(_kill(client, run) for run in mine[1:])
    return changed + sum(_kill(client, run) for left in runs.values() for run in left)


def _kill(client: MlflowClient, run: Run) -> bool:
    if run.info.status != "RUNNING":
        return False
    client.set_terminated(run.info.run_id, "KILLED")
    return True


def _write(client: MlflowClient, sweep: SweepRun, record: TrialRecord, runs: list[Run]) -> None:
    with _one_transaction(client):
        RunWriter(client, sweep, record, runs[0] if runs else None).write(record.events())


class RunWriter:
    """Writes the events of one trial to its run, as many at a time as there are."""

    def __init__(self, client: MlflowClient, sweep: SweepRun, record: TrialRecord, run: Run | None = None):
        self.client, self.sweep, self.record, self.run = client, sweep, record, run

    def write(self, events: list[Event]) -> None:
        """Write them; the first ones make the run, an outcome ends it."""
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
        status = "FINISHED" if outcome["kind"] in (COMPLETED, DIVERGED) else "FAILED"
        self.client.set_terminated(run.info.run_id, status, int(1000 * outcome["time"]))

    def kill(self) -> None:
        """End the run of a trial that was cut off."""
        if self.run:
            self.client.set_terminated(self.run.info.run_id, "KILLED")


@contextmanager
def _one_transaction(client: MlflowClient) -> Iterator[None]:
    """Let the embedded store make all calls within in one session: they are written wholly or not at all.

    It opens six for a run that ends, some within others, and asks for the same rows in each: a third of all its time.
    A server takes them call by call.
    """
    store: Any = client._tracking_client.store
    open_session = getattr(store, "ManagedSessionMaker", None)
    if open_session is None:  # a server
        yield
        return
    with open_session(read_only=False) as session:
        store.ManagedSessionMaker = partial(_shared, session)
        try:
            yield
        finally:
            store.ManagedSessionMaker = open_session


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
        in_force = {f"effective.{name}": choice for name, choice in event["settings"].items()}
        return in_force | {f"version.{name}": version for name, version in event["versions"].items()}
    if event["event"] == "outcome":
        return {"outcome": event["kind"]} | ({"error": event["error"]} if event["error"] else {})
    return {}


Item = tuple[TrialRecord, Event] | None  # None: there will be no more


class Recorder:
    """Writes events to MLflow in a process of its own: neither a slow server nor MLflow's own work holds up a trial."""

    def __init__(self, sweep: SweepRun):
        context = multiprocessing.get_context("spawn")
        self.queue: multiprocessing.Queue[Item] = context.Queue()
        self.unwritten = context.Value("i", 0)
        # A daemon: a program that fails before it closes the recorder ends all the same, and does not wait for it.
        self.process = context.Process(target=_record, args=(sweep, self.queue, self.unwritten), name="mlflow", daemon=True)
        self.process.start()
        self.given: set[Path] = set()

    def record(self, record: TrialRecord, event: Event) -> None:
        self.given.add(record.folder)
        self.queue.put((record, event))

    def close(self) -> int:
        """Write what is left, end the runs of trials that were cut off; returns how many runs MLflow may lack."""
        self.queue.put(None)
        self.process.join()
        self.queue.cancel_join_thread()  # a process that died leaves a queue that nobody empties
        return int(self.unwritten.value) if self.process.exitcode == 0 else len(self.given)


def _record(sweep: SweepRun, waiting: "multiprocessing.Queue[Item]", unwritten: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches this process too; the driver says when it ends
    threading.Thread(target=_end_with_driver, daemon=True).start()
    writers = RunWriters(sweep)
    running = True
    while running:
        items = _gathered(waiting)
        running = None not in items
        writers.write([item for item in items if item])
        unwritten.value = len(writers.unwritten)
    writers.kill()
    unwritten.value = len(writers.unwritten)


def _end_with_driver() -> None:
    driver = multiprocessing.parent_process()
    assert driver is not None
    driver.join()
    os._exit(1)


def _gathered(waiting: "multiprocessing.Queue[Item]") -> list[Item]:
    """At least one item, and those that have gathered by now: as many as one transaction takes without keeping others out."""
    items = [waiting.get()]
    while len(items) < BATCH and not waiting.empty():
        items.append(waiting.get())
    return items


class RunWriters:
    """A RunWriter for each trial that has no outcome yet. What MLflow does not take is left to `reconcile`."""

    def __init__(self, sweep: SweepRun):
        self.client, self.sweep = MlflowClient(sweep.uri), sweep
        self.writers: dict[Path, RunWriter] = {}
        self.unwritten: set[Path] = set()

    def write(self, items: list[tuple[TrialRecord, Event]]) -> None:
        events: dict[Path, list[Event]] = defaultdict(list)
        for record, event in items:
            self.writers.setdefault(record.folder, RunWriter(self.client, self.sweep, record))
            events[record.folder].append(event)
        try:
            with _one_transaction(self.client):
                for folder, news in events.items():
                    self._try(folder, partial(self._write, folder, news))
        except Exception:  # none of them is written
            self.unwritten |= events.keys()

    def _write(self, folder: Path, events: list[Event]) -> None:
        self.writers[folder].write(events)
        if events[-1]["event"] == "outcome":
            del self.writers[folder]

    def kill(self) -> None:
        for folder, writer in self.writers.items():
            self._try(folder, writer.kill)

    def _try(self, folder: Path, write: Callable[[], None]) -> None:
        if folder in self.unwritten:
            return
        try:
            write()
        except Exception:  # whatever MLflow, its server or the network raise: the record has it all, `reconcile` writes it
            self.unwritten.add(folder)


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
        raise TrackingError(f"MLflow at {public(uri)} holds no sweep '{experiment}'; run it first: python sweep.py run FILE")
    return SweepRun(uri, experiment, found.experiment_id, runs[0].info.run_id)


def read_files(sweep: SweepRun, patterns: Iterable[str], folder: Path) -> dict[str, Any]:
    """{name: content} of the JSON files that were stored with the sweep under names like these. `folder` receives them."""
    client = connect(sweep.uri)
    stored = [file.path for file in client.list_artifacts(sweep.run_id)]
    names = [name for pattern in patterns for name in fnmatch.filter(stored, pattern)]
    paths = {name: client.download_artifacts(sweep.run_id, name, str(folder)) for name in names}
    return {name: json.loads(Path(path).read_text()) for name, path in paths.items()}


def read_curves(sweep: SweepRun, runs: pd.DataFrame) -> pd.DataFrame:
    """The accuracy after each epoch of these runs (rows of `read_runs`): columns adapter, seed, epoch and accuracy."""
    client = connect(sweep.uri)
    rows = []
    for run in runs.to_dict("records"):
        for metric in client.get_metric_history(run["run"], "accuracy"):
            rows.append({"adapter": run["adapter"], "seed": run["seed"], "epoch": metric.step, "accuracy": metric.value})
    return pd.DataFrame(rows)


def read_trial(home: Path, run_id: str, folder: Path) -> TrialRecord:
    """The record of a finished trial, read back into `folder`. Raises TrackingError where the run is none."""
    uri = tracking_uri(home)
    client = connect(uri)
    try:
        run = client.get_run(run_id)
        finished = "outcome" in run.data.tags
        if finished:
            client.download_artifacts(run_id, "", str(folder))
    except (MlflowException, OSError) as error:
        cause = str(error).splitlines()[0][:200]
        raise TrackingError(f"MLflow at {public(uri)} has no run '{run_id}' to read ({cause}); its page shows the ids") from None
    record = TrialRecord(folder)
    if not finished or not record.exists:
        raise TrackingError(f"run '{run_id}' is no finished trial; name one of a sweep's child runs")
    return record


def read_runs(sweep: SweepRun) -> pd.DataFrame:
    """One row for each trial with an outcome: params, seed, outcome, error, metrics, its identity (trial), that of the trial
    which it repeats, if any, what made it, and MLflow's id (run). Unsupported settings are NaN."""
    return pd.DataFrame([_row(run) for run in children(connect(sweep.uri), sweep) if "outcome" in run.data.tags])


def _row(run: Run) -> dict[str, Any]:
    tags = run.data.tags
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
