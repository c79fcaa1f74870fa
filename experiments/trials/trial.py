"""Trial: adapter + workload + configuration + seed, and its possible outcomes."""

import functools
import hashlib
import json
import os
from dataclasses import dataclass, field, replace
from typing import Any

from adapters import load_spec
from adapters.contract.spec import AdapterSpec
from adapters.worker import PROTOCOL
from experiments.errors import SweepError
from experiments.extensions import outside
from experiments.locations import cache
from experiments.preparation import datasets
from experiments.preparation.environments import Environment
from experiments.trials.workload import Workload

Event = dict[str, Any]

# Outcomes of a trial. A trial that was interrupted from outside has no outcome: it runs again.
COMPLETED, DIVERGED, FAILED, PRUNED = "completed", "diverged", "failed", "pruned"
TRAINED = (COMPLETED, DIVERGED)  # the framework did its work
OUTCOMES = (*TRAINED, FAILED, PRUNED)
# Failures that the framework did not cause; such a trial is retried a few times.
INFRASTRUCTURE, KILLED, MEMORY = "infrastructure", "killed", "memory"


@functools.cache
def _environment_digest(adapter: str, device: str) -> str:
    """Files do not change while a sweep is planned, and ten thousand trials ask."""
    return Environment(load_spec(adapter), device, cache()).digest


@dataclass(frozen=True)
class Trial:
    """One training of one network in one framework under one configuration.

    configuration: a choice for every setting that the adapter supports; never partial.
    device: "cpu" or "cuda". threads: CPU threads that the trial holds.
    time_limit: seconds after which the trial is stopped and counts as failed; progress_limit: seconds without an event.
    keep_weights: whether the trained weights are stored with the trial's outcome.
    unverified: whether the adapter may lack a certificate.
    repeat: whether it is a second run of the same, to measure the effect of repetition alone.
    """

    adapter: str
    workload: Workload
    configuration: dict[str, str]
    seed: int
    device: str
    threads: int
    time_limit: float = field(default=3600.0, compare=False)
    progress_limit: float = field(default=3600.0, compare=False)
    keep_weights: bool = field(default=False, compare=False)
    unverified: bool = field(default=False, compare=False)
    repeat: bool = False

    @property
    def spec(self) -> AdapterSpec:
        return load_spec(self.adapter)

    @functools.cached_property
    def identity(self) -> str:
        """Hash of everything that decides the outcome: the same trial has the same identity in every sweep."""
        parts = {
            "adapter": self.adapter,
            "environment": self.environment_digest,
            "workload": vars(self.workload),
            "configuration": self.configuration,
            "seed": self.seed,
            "device": self.device,
            "threads": self.threads,
            "data": [self.workload.dataset, datasets.PREPARATION],
            "protocol": PROTOCOL,
            **({"repeat": True} if self.repeat else {}),
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:20]

    @property
    def environment_digest(self) -> str:
        """Hash of all that decides what the trial's environment contains."""
        return _environment_digest(self.adapter, self.device)

    @property
    def allowed_threads(self) -> int:
        """The CPU threads that the framework may use on this node, as the setting `threads` says."""
        return os.cpu_count() or 1 if self.configuration.get("threads") == "machine" else self.threads

    @property
    def repeats(self) -> str:
        """The identity of the trial that this one repeats; "" where it repeats none."""
        return replace(self, repeat=False).identity if self.repeat else ""

    @property
    def label(self) -> str:
        """A readable name: adapter, choices other than the defaults, and the seed."""
        natives = self.spec.native(self.workload.model)
        changed = [f"{name}={choice}" for name, choice in self.configuration.items() if natives.get(name) != choice]
        return f"{self.adapter} {' '.join(changed) or 'native'} seed={self.seed}{' again' if self.repeat else ''}"

    def as_dict(self) -> dict[str, Any]:
        """The trial as `plan --json` shows it; "repeat" only where it is one."""
        workload = {"name": self.workload.name, "epochs": self.workload.epochs}
        workload["train_examples"] = self.workload.train_examples
        shown = {"adapter": self.adapter, "workload": workload, "settings": self.configuration, "seed": self.seed}
        return shown | ({"repeat": True} if self.repeat else {})

    def request(self, verb: str, data: str, **extra: Any) -> dict[str, Any]:
        """The worker's request: see adapters/worker.py."""
        implementation = self.spec.models[self.workload.model]
        return {
            "protocol": PROTOCOL,
            "verb": verb,
            "adapter": self.adapter,
            "implementation": implementation,
            "model": self.workload.model,
            **outside(self.workload.model, implementation),
            "network": self.workload.request(self.allowed_threads, self.device),
            "settings": self.configuration,
            "seed": self.seed,
            "data": data,
            "train_examples": self.workload.train_examples,
            "epochs": self.workload.epochs,
            "keep_weights": self.keep_weights,
            **extra,
        }


def check_network(adapter: str, workload: Workload) -> None:
    """Raises SweepError where the adapter lacks the workload's network."""
    spec = load_spec(adapter)
    if workload.model not in spec.models:
        raise SweepError(
            f"{adapter} has no network '{workload.model}', which {workload.name} is; it has: {', '.join(spec.models)}"
        )
