"""Workload: data + network + hyperparameters, framework-neutral. The metric is accuracy over every test example."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from adapters import unknown
from adapters.contract.network import Network
from adapters.contract.spec import Conflict
from adapters.networks import NETWORKS, load_network
from experiments.errors import SweepError


@dataclass(frozen=True)
class Workload:
    """One network on one data set.

    model: the network's name. network: its fields but threads and device, which depend on the machine.
    """

    name: str
    dataset: str
    epochs: int
    model: str
    network: dict[str, Any]
    train_examples: int | None = None  # None: all of them

    @property
    def definition(self) -> Network:
        """The framework-neutral definition of its network."""
        return load_network(self.model)

    def request(self, threads: int, device: str) -> dict[str, Any]:
        """The request's network: every field of `definition.fields`."""
        return self.network | {"threads": threads, "device": device}

    def with_overrides(self, **overrides: Any) -> "Workload":
        """The same workload with some of its or its network's fields changed. Raises SweepError for an unknown
        field.
        """
        mine = {name: value for name, value in overrides.items() if name in OVERRIDABLE}
        network = {name: value for name, value in overrides.items() if name not in OVERRIDABLE}
        for name in network:
            if name not in self.network:
                raise SweepError(unknown(f"key for workload {self.name}", name, [*OVERRIDABLE, *self.network]))
        return replace(self, network=self.network | network, **mine)

    def conflict(self, configuration: dict[str, str]) -> Conflict | None:
        """The choices that don't work with its network in this size, and why; None if all do."""
        conflict = self.definition.conflict(self.network, configuration)
        return conflict and conflict._replace(reason=f"{self.name}: {conflict.reason}")


OVERRIDABLE = ("epochs", "train_examples")


def _declared(network: Network) -> Iterator[Workload]:
    """The workloads that a network's module declares."""
    for name, task in network.workloads.items():
        yield Workload(name, task.dataset, task.epochs, network.name, network.published | task.fields)


WORKLOADS = {workload.name: workload for name in NETWORKS for workload in _declared(load_network(name))}


def workload_named(name: str) -> Workload:
    """Raises SweepError with one clear line for an unknown name."""
    if name not in WORKLOADS:
        raise SweepError(unknown("workload", name, list(WORKLOADS)))
    return WORKLOADS[name]
