"""Reading back from MLflow: a sweep's files, runs and learning curves, and single trials."""

import fnmatch
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from experiments.errors import TrackingError
from experiments.program import command
from experiments.recording.store import (
    PAGE,
    SweepRun,
    cause,
    connect,
    connected,
    embedded_file,
    tracking_uri,
    trial_runs,
)
from experiments.redaction import without_passwords
from experiments.trials.records import RECORDED, TrialRecord, fields
from experiments.trials.trial import COMPLETED, OUTCOMES
from experiments.trials.workload import Workload


def last_sweep(home: Path, experiment: str) -> SweepRun:
    """The newest parent run of an experiment. Raises TrackingError if there is none."""
    uri = tracking_uri(home)
    client = connect(uri)
    found = client.get_experiment_by_name(experiment)
    runs = found and client.search_runs(
        [found.experiment_id], "tags.sweep != ''", order_by=["attributes.start_time DESC"], max_results=1
    )
    if not found or not runs:
        raise TrackingError(
            f"MLflow at {without_passwords(uri)} holds no sweep '{experiment}'; run it first: {command('run FILE')}"
        )
    return SweepRun(uri, experiment, found.experiment_id, runs[0].info.run_id)


def read_files(sweep: SweepRun, patterns: Iterable[str], folder: Path) -> dict[str, Any]:
    """{name: content} of the JSON files of a sweep whose names match a pattern.

    They are downloaded into `folder`, and nowhere else whatever a server lists. Raises TrackingError.
    """
    with connected(sweep.uri) as client:
        stored = [file.path for file in client.list_artifacts(sweep.run_id)]
        names = [name for pattern in patterns for name in fnmatch.filter(stored, pattern)]
        paths = {name: client.download_artifacts(sweep.run_id, name, str(folder)) for name in names}
    try:
        return {name: json.loads(Path(path).read_bytes()) for name, path in paths.items()}
    except (OSError, ValueError, RecursionError) as error:
        raise TrackingError(
            f"the files of sweep '{sweep.experiment}' in MLflow can't be read ({error}); "
            "run the sweep again with --fresh"
        ) from error


def read_curves(sweep: SweepRun, runs: pd.DataFrame) -> pd.DataFrame:
    """The accuracy after each epoch of some rows of `read_runs`: columns adapter, seed, epoch and accuracy."""
    rows = []
    with connected(sweep.uri) as client:
        for run in runs.to_dict("records"):
            for metric in client.get_metric_history(run["run"], "accuracy"):
                rows.append(
                    {"adapter": run["adapter"], "seed": run["seed"], "epoch": metric.step, "accuracy": metric.value}
                )
    return pd.DataFrame(rows)


def read_trial(home: Path, run_id: str, folder: Path) -> TrialRecord:
    """The record of a finished trial, downloaded into `folder`. Raises TrackingError for any other run."""
    uri = tracking_uri(home)
    client = connect(uri)
    try:
        run = client.get_run(run_id)
        finished = "outcome" in run.data.tags
        if finished:
            for name in {file.path for file in client.list_artifacts(run_id)} & RECORDED:
                client.download_artifacts(run_id, name, str(folder))
    except (MlflowException, OSError) as error:
        raise TrackingError(
            f"MLflow at {without_passwords(uri)} has no run '{run_id}' to read ({cause(error, uri)}); "
            "its page shows the ids"
        ) from None
    record = TrialRecord(folder)
    if not finished or record.outcome() is None:
        raise TrackingError(f"run '{run_id}' is no finished trial; name one of a sweep's child runs")
    return record


def read_runs(sweep: SweepRun) -> pd.DataFrame:
    """One row for each trial with an outcome; unsupported settings are NaN. Raises TrackingError.

    Columns: the params and metrics, seed, outcome, error, environment, revision, host, trial (its identity), repeats
    (the identity of the trial that it repeats, or ""), and run (MLflow's id).
    """
    with connected(sweep.uri) as client:
        return pd.DataFrame([_row(run) for run in trial_runs(client, sweep) if "outcome" in run.data.tags])


def _row(run: Run) -> dict[str, Any]:
    tags = run.data.tags
    if not (tags.get("seed", "").isdecimal() and tags["outcome"] in OUTCOMES and "adapter" in run.data.params):
        raise TrackingError(
            f"run '{run.info.run_id}' in MLflow lacks a trial's seed, outcome or adapter: it was changed there; "
            "delete it"
        )
    params = {name: value for name, value in run.data.params.items() if value != "unsupported"}
    facts = {"seed": int(tags["seed"]), "outcome": tags["outcome"], "error": tags.get("error", "")}
    made = {name: tags.get(name, "") for name in ("trial", "repeats", "environment", "revision", "host")}
    return {**params, **facts, **made, "run": run.info.run_id, **run.data.metrics}


def read_pilot(home: Path, workload: Workload, device: str) -> pd.DataFrame:
    """The last 1000 completed trials of a workload on a device, in any sweep of the store: rows as in `read_runs`."""
    uri = tracking_uri(home)
    path = embedded_file(uri)
    if path and not path.is_file():
        return pd.DataFrame()  # connecting would create an empty store
    client = connect(uri)
    wanted = [f"params.`{name}` = '{value}'" for name, value in fields(workload).items()]
    wanted += [f"tags.device = '{device}'", f"tags.outcome = '{COMPLETED}'"]
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return pd.DataFrame([_row(run) for run in client.search_runs(experiments, " and ".join(wanted), max_results=PAGE)])
