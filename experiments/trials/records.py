"""A trial's folder on the driver: the one owner of its file names. Everything MLflow shows can be made again from
it.
"""

import json
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from adapters.networks import SETTINGS
from experiments.locations import PROJECT
from experiments.trials.events import KEPT, parsed
from experiments.trials.trial import Event, Trial
from experiments.trials.workload import Workload

# What an outcome brings from the node and what file it becomes; everything else of an event goes into events.jsonl.
FILES = {"log": "worker.log", "request": "request.json", "weights": "weights.npz"}
EVENTS = "events.jsonl"
RECORDED = {EVENTS, *FILES.values()}


class TrialRecord:
    """events.jsonl (first the event "planned": what was asked; then what happened) and the files that came from the
    node.
    """

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
        """Canonical weights of the trained network; there for a completed trial that keeps them."""
        return self.folder / FILES["weights"]

    def create(self, trial: Trial) -> "TrialRecord":
        """Start the folder anew for another attempt at the trial."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps({"event": "planned", **description(trial)}) + "\n")
        return self

    @property
    def exists(self) -> bool:
        return self.path.is_file()

    def append(self, event: Event) -> None:
        """Keep an event; what came from the node first: an outcome that is written down is whole."""
        for name in FILES.keys() & event.keys():
            content = event[name]
            (self.folder / FILES[name]).write_bytes(content if isinstance(content, bytes) else content.encode())
        with self.path.open("a") as file:
            file.write(json.dumps(without_files(event)) + "\n")

    def description(self) -> dict[str, Any]:
        """{"identity", "name", "params", "tags"}: see `description`. There for every record with an outcome."""
        return self._lines()[0]

    def events(self) -> list[Event]:
        """What happened, in order."""
        return [event for event in self._lines() if event["event"] != "planned"]

    def _lines(self) -> list[Event]:
        """What is no event, as a line that a dying driver left half-written, does not count; nor does what nobody
        planned.
        """
        lines = self.path.read_bytes().splitlines() if self.exists else []
        events = [event for event in map(_parsed, lines) if event]
        return events if events and events[0]["event"] == "planned" else []

    def outcome(self) -> Event | None:
        """The outcome event, or None while there is none."""
        return next((event for event in self.events() if event["event"] == "outcome"), None)


def without_files(event: Event) -> Event:
    return {name: value for name, value in event.items() if name not in FILES}


def _parsed(line: bytes) -> Event | None:
    try:
        return parsed(line, KEPT)
    except ValueError:
        return None


def description(trial: Trial) -> dict[str, Any]:
    """How a trial is shown: identity, readable name, parameters by their bare names, and tags."""
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
    """How a workload is shown: its parameters by their bare names."""
    network = {name: value for name, value in workload.network.items() if name not in SETTINGS}
    network = {
        name: list(value) if isinstance(value, tuple) else value for name, value in network.items()
    }  # as JSON gives it back
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
