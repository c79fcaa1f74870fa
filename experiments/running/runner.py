"""Run one trial on this node: prepare what it needs, run its worker, and yield its events and outcome."""

import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments.errors import RosettaError, WorkerDied, WorkerKilled, one_line
from experiments.preparation import certificates, datasets
from experiments.preparation.environments import Environment
from experiments.running import worker_process
from experiments.trials.events import TRAINING_EVENTS, checked, is_number
from experiments.trials.trial import COMPLETED, DIVERGED, FAILED, INFRASTRUCTURE, KILLED, MEMORY, Event, Trial


def run_trial(trial: Trial, folder: Path, cache: Path) -> Iterator[Event]:
    """Yield the worker's events, each with "time", then one event "outcome".

    outcome   kind (completed | diverged | failed), error (one line, "" if none), traceback, fault ("" if the framework
              itself failed; otherwise infrastructure | killed | memory), metrics, log, request, and weights (bytes of
              an .npz) of a completed trial with keep_weights
    A failure is an outcome, never an exception. This includes a missing environment, missing data and a full disk.
    """
    folder.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    yield {"event": "started", "time": time.time(), "host": socket.gethostname(), "devices": devices(trial)}
    last: Event = {}
    try:
        for event in _train(trial, folder, cache):
            if event["event"] == "ready":
                check_settings(trial.configuration, event["settings"])
            if event["event"] not in ("done", "failed"):
                yield event
            last = event
    except (RosettaError, OSError) as error:
        last = {
            "event": "failed",
            "error": type(error).__name__,
            "message": str(error),
            "traceback": "",
            "fault": fault(error),
        }
    yield outcome(last, folder, time.monotonic() - start)


def _train(trial: Trial, folder: Path, cache: Path) -> Iterator[Event]:
    environment = Environment(trial.spec, trial.device, cache)
    environment.create()
    if not trial.unverified:
        certificates.check(trial.spec, trial.workload.model, trial.device, cache)
    data = datasets.prepare(trial.workload.dataset, cache)
    for event in events(trial, folder, environment, trial.request("train", str(data))):
        try:
            yield checked(event, TRAINING_EVENTS)
        except ValueError as error:
            raise WorkerDied(f"the worker sent an invalid training event: {error}") from error


def events(trial: Trial, folder: Path, environment: Environment, request: dict[str, Any]) -> Iterator[Event]:
    """Write the request to the folder and stream the worker's events."""
    (folder / "request.json").write_text(json.dumps(request, indent=1))
    variables = worker_process.worker_environment(
        trial.spec.environment_variables(trial.configuration), trial.allowed_threads
    )
    limits = worker_process.Limits(trial.time_limit, trial.progress_limit)
    return worker_process.stream(environment.python, folder, variables, limits)


def case_errors(
    trial: Trial, folder: Path, environment: Environment, request: dict[str, Any], unread: tuple[str, ...] = ()
) -> dict[str, str]:
    """Run a request with cases. Returns {case: error}; "" if the case ran and the requested settings are in force.

    unread: settings that cannot be read back. Raises WorkerDied if the worker ends before its last case.
    """
    requested = {case["name"]: case["settings"] for case in request["cases"]}
    errors = {}
    for event in cases(trial, folder, environment, request):
        wanted = {name: choice for name, choice in requested[event["name"]].items() if name not in unread}
        errors[event["name"]] = event["error"] or mismatch(wanted, event["settings"])
    return errors


def cases(trial: Trial, folder: Path, environment: Environment, request: dict[str, Any]) -> Iterator[Event]:
    """The case events of a request with cases. Raises WorkerDied if the worker ends before its last case."""
    for event in events(trial, folder, environment, request):
        if event["event"] == "failed":
            raise WorkerDied(f"{event['error']}: {event['message']}")
        if event["event"] == "case":
            yield event


def fault(error: Exception) -> str:
    """The kind of fault behind an error: killed or infrastructure; "" if the framework itself failed."""
    if isinstance(error, WorkerKilled):
        return KILLED
    return "" if isinstance(error, WorkerDied) else INFRASTRUCTURE


def out_of_memory(last: Event) -> bool:
    """Whether a worker failed because it ran out of memory. Covers the error messages of all frameworks."""
    text = f"{last['error']} {last['message']}".lower().replace(" ", "").replace("_", "")
    return any(phrase in text for phrase in ("outofmemory", "memoryerror", "resourceexhausted", "failedtoallocate"))


def devices(trial: Trial) -> str:
    """The devices that the trial may use: the visible GPUs, or the CPU."""
    return os.environ.get("CUDA_VISIBLE_DEVICES", "all") if trial.device == "cuda" else "cpu"


def check_settings(requested: dict[str, str], effective: dict[str, str]) -> None:
    """Raises WorkerDied if a requested setting is not in force: the trial would measure another configuration."""
    wrong = mismatch(requested, effective)
    if wrong:
        raise WorkerDied(wrong)


def mismatch(requested: dict[str, str], effective: dict[str, str]) -> str:
    """One line that lists the requested settings that are not in force; "" if there are none."""
    wrong = {name: effective.get(name) for name in requested if effective.get(name) != requested[name]}
    pairs = ", ".join(f"{name}: requested {requested[name]}, in force {found}" for name, found in wrong.items())
    return f"the settings in force differ from those requested ({pairs})" if wrong else ""


def outcome(last: Event, folder: Path, seconds: float) -> Event:
    """The outcome event, made from the worker's last event. seconds: since the trial started."""
    if last.get("event") == "done":
        kind, error = (DIVERGED if last["diverged"] else COMPLETED), ""
    else:
        kind, error = FAILED, one_line(f"{last['error']}: {last['message']}".splitlines()[0])
        last.setdefault("fault", MEMORY if out_of_memory(last) else "")
    metrics = {
        name: float(value)
        for name, value in last.items()
        if is_number(value) and name.isidentifier() and name != "time"
    }
    weights = folder / "weights.npz"
    return {
        "event": "outcome",
        "time": time.time(),
        "kind": kind,
        "error": error,
        "traceback": last.get("traceback", ""),
        "fault": last.get("fault", ""),
        "metrics": metrics | {"total_seconds": seconds - metrics.get("save_seconds", 0.0)},
        "log": _text(folder / "worker.log"),
        "request": _text(folder / "request.json"),
        **({"weights": weights.read_bytes()} if weights.is_file() else {}),
    }


def _text(path: Path) -> str:
    return worker_process.end_of(path, worker_process.LOG_LIMIT) if path.is_file() else ""
