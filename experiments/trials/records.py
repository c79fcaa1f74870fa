"""The record: a trial's folder on the driver. Only this module knows its file names.

Everything in MLflow can be rebuilt from the records.
"""

import json
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from adapters.networks import SETTINGS
from experiments.locations import PROJECT
from experiments.trials.events import RECORD_EVENTS, parsed
from experiments.trials.trial import Event, Trial
from experiments.trials.workload import Workload

# {field of an outcome: the file that its content is written to}; all other fields are written to events.jsonl.
FILES = {"log": "worker.log", "request": "request.json", "weights": "weights.npz"}
EVENTS = "events.jsonl"
RECORDED = {EVENTS, *FILES.values()}


class TrialRecord:
    """The folder of one trial: events.jsonl (its first event is "planned") and the files of the outcome."""

    def __init__(self, folder: Path):
        self.folder = folder

    @property
    def path(self) -> Path:
        return self.folder / EVENTS

    @property
    def request(self) -> Path:
        return self.folder / FILES["request"]

    @property
    def weights(self) -> Path:
        """The canonical weights of the trained network. Exists for completed trials with keep_weights."""
        return self.folder / FILES["weights"]

    def create(self, trial: Trial) -> "TrialRecord":
        """Start the record of a new attempt; the events of an earlier attempt are overwritten."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps({"event": "planned", **description(trial)}) + "\n")
        return self

    @property
    def exists(self) -> bool:
        return self.path.is_file()

    def append(self, event: Event) -> None:
        """Append an event. Its files are written first, so a recorded outcome is always complete."""
        for name in FILES.keys() & event.keys():
            content = event[name]
            (self.folder / FILES[name]).write_bytes(content if isinstance(content, bytes) else content.encode())
        with self.path.open("a") as file:
            file.write(json.dumps(without_files(event)) + "\n")

    def description(self) -> dict[str, Any]:
        """{"identity", "name", "params", "tags"}: see `description`. Every record with an outcome has one."""
        return self._lines()[0]

    def events(self) -> list[Event]:
        """All events but "planned", in order."""
        return [event for event in self._lines() if event["event"] != "planned"]

    def _lines(self) -> list[Event]:
        """The valid events; none if the first is not "planned". A driver that dies in a write leaves an invalid one."""
        lines = self.path.read_bytes().splitlines() if self.exists else []
        events = [event for event in map(_parsed, lines) if event]
        return events if events and events[0]["event"] == "planned" else []

    def outcome(self) -> Event | None:
        """The outcome event; None if there is none yet."""
        return next((event for event in self.events() if event["event"] == "outcome"), None)


def without_files(event: Event) -> Event:
    return {name: value for name, value in event.items() if name not in FILES}


def _parsed(line: bytes) -> Event | None:
    try:
        return parsed(line, RECORD_EVENTS)
    except ValueError:
        return None


def description(trial: Trial) -> dict[str, Any]:
    """What MLflow shows of a trial: identity, readable name, parameters under their bare names, and tags."""
    spec, workload = trial.spec, trial.workload
    settings = {name: trial.configuration.get(name, "unsupported") for name in workload.definition.settings}
    return {
        "identity": trial.identity,
        "name": trial.label,
        "params": {
            "framework": spec.framework,
            "adapter": spec.name,
            **settings,
            **fields(workload),
            "cpu_threads": trial.threads,
        },
        "tags": {
            "trial": trial.identity,
            "seed": str(trial.seed),
            "repeats": trial.repeats,
            "device": trial.device,
            "environment": trial.environment_digest[:12],
            "revision": revision(),
        },
    }


def fields(workload: Workload) -> dict[str, Any]:
    """The workload's parameters under their bare names."""
    network = {name: value for name, value in workload.network.items() if name not in SETTINGS}
    # Lists, because JSON has no tuples.
    network = {name: list(value) if isinstance(value, tuple) else value for name, value in network.items()}
    return {
        "workload": workload.name,
        "epochs": workload.epochs,
        "train_examples": workload.train_examples or "all",
        **network,
    }


@cache
def revision() -> str:
    """The git commit of a checkout, with "+" where files differ from it; else the installed version, or "unknown"."""
    command = ["git", "-C", str(PROJECT), "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
    try:
        if (PROJECT / ".git").exists():  # git would also find a repository further up, around an installed copy
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        pass
    try:
        return version("rosetta-sweep")
    except PackageNotFoundError:
        return "unknown"
