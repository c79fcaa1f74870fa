"""The MLflow store: the connection, the embedded store, a sweep's experiment and its parent run."""

import json
import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import filelock
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NAME, MLFLOW_RUN_NOTE
from sqlalchemy.exc import SQLAlchemyError

from experiments.errors import TrackingError
from experiments.program import command
from experiments.redaction import without_passwords

EXPERIMENT_KIND = "mlflow.experimentKind"  # opens MLflow's page on training runs, not on traces of language models
PARENT_RUN_FILE = "mlflow.json"  # in a sweep's folder: the id of its parent run
PAGE = 1000  # runs per request


class SweepRun(NamedTuple):
    """Where a sweep is in MLflow: the store's address, the experiment, and the parent run."""

    uri: str
    experiment: str
    experiment_id: str
    run_id: str


def tracking_uri(home: Path) -> str:
    """MLFLOW_TRACKING_URI, or the SQLite store in `home`."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home / 'mlflow.db'}"


def embedded_file(uri: str) -> Path | None:
    """The file of an SQLite store; None for a server."""
    scheme, _, path = uri.partition(":///")
    return Path(path) if scheme == "sqlite" else None


def connect(uri: str) -> MlflowClient:
    """A client of a store that answers. Raises TrackingError."""
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    try:
        _create_store(embedded_file(uri))
        client = MlflowClient(uri)
        client.search_experiments(max_results=1)
    except Exception as error:
        raise TrackingError(
            f"MLflow at {without_passwords(uri)} can't be reached ({cause(error, uri)}); "
            "start it or change MLFLOW_TRACKING_URI"
        ) from error
    return client


def _create_store(path: Path | None) -> None:
    """Create the embedded store under a temporary name and rename it once it is complete.

    MLflow needs seconds and many statements to create its tables. A driver that dies meanwhile, or two that start at
    once, would leave a file that cannot be opened.
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
def connected(uri: str) -> Iterator[MlflowClient]:
    """A client; whatever fails while it is used, in the store or on the way to it, becomes a TrackingError."""
    client = connect(uri)
    try:
        yield client
    except (MlflowException, OSError, SQLAlchemyError) as error:
        raise TrackingError(
            f"MLflow at {without_passwords(uri)} failed ({cause(error, uri)}); completed trials are saved: "
            f"`{command('sync')}` writes them once MLflow is back"
        ) from error


def cause(error: Exception, uri: str) -> str:
    """The first line of an error, without the password in the address."""
    lines = without_passwords(str(error).replace(uri, without_passwords(uri))).splitlines()
    return lines[0][:200] if lines else type(error).__name__


def open_sweep(home: Path, folder: Path, experiment: str, name: str, tags: dict[str, str]) -> SweepRun:
    """The sweep's parent run, set to RUNNING: the one stored in `folder`, or a new one. Raises TrackingError."""
    uri = tracking_uri(home)
    with connected(uri) as client:
        _use_write_ahead_log(uri)
        experiment_id = _experiment(client, experiment, home, uri)
        run = _stored_parent_run(client, folder)
        if run is None:
            run = client.create_run(experiment_id, tags={**tags, MLFLOW_RUN_NAME: name})
            (folder / PARENT_RUN_FILE).write_text(json.dumps({"run_id": run.info.run_id}))
        client.update_run(run.info.run_id, status="RUNNING")
    return SweepRun(uri, experiment, run.info.experiment_id, run.info.run_id)


def ended_sweep(home: Path, folder: Path, experiment: str) -> SweepRun | None:
    """The parent run stored in `folder`; None if MLflow has lost it or shows it as RUNNING. Raises TrackingError."""
    uri = tracking_uri(home)
    with connected(uri) as client:
        run = _stored_parent_run(client, folder)
    if run is None or run.info.status == "RUNNING":
        return None
    return SweepRun(uri, experiment, run.info.experiment_id, run.info.run_id)


def _use_write_ahead_log(uri: str) -> None:
    """Let MLflow's pages read the embedded store while a sweep writes; a write then costs one sync."""
    path = embedded_file(uri)
    if path:
        sqlite3.connect(path).execute("PRAGMA journal_mode = WAL").connection.close()


def _experiment(client: MlflowClient, name: str, home: Path, uri: str) -> str:
    """The id of the experiment, which is created or restored if needed."""
    found = client.get_experiment_by_name(name)
    if found is None:
        place = (home / "artifacts" / name).as_uri() if embedded_file(uri) else None
        return str(client.create_experiment(name, place, tags={EXPERIMENT_KIND: "custom_model_development"}))
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def _stored_parent_run(client: MlflowClient, folder: Path) -> Run | None:
    """The parent run whose id is stored in `folder`; None if there is none, or it was deleted."""
    file = folder / PARENT_RUN_FILE
    if not file.is_file():
        return None
    try:
        run: Run = client.get_run(json.loads(file.read_text())["run_id"])
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
            raise
        return None
    return run if run.info.lifecycle_stage == "active" else None


def log_files(sweep: SweepRun, files: Iterable[Path], description: str = "") -> None:
    """Attach files to the parent run; `description` is shown on its page. Raises TrackingError."""
    with connected(sweep.uri) as client:
        for path in files:
            client.log_artifact(sweep.run_id, str(path))
        if description:
            client.set_tag(sweep.run_id, MLFLOW_RUN_NOTE, description)


def close_sweep(sweep: SweepRun, status: str) -> None:
    """End the parent run as FINISHED or KILLED. Raises TrackingError."""
    with connected(sweep.uri) as client:
        client.set_terminated(sweep.run_id, status)


def trial_runs(client: MlflowClient, sweep: SweepRun) -> list[Run]:
    """The child runs of the sweep, one for each trial."""
    found: list[Run] = []
    token: str | None = None
    wanted = f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{sweep.run_id}'"
    while True:
        page = client.search_runs([sweep.experiment_id], wanted, max_results=PAGE, page_token=token)
        found += page
        token = page.token
        if not token:
            return found
