"""Workload: data + network + hyper-parameters, framework-neutral. The metric is accuracy over every test example."""

from dataclasses import dataclass, replace
from typing import Any

from adapters import unknown
from adapters.common.shapes import flat_sides
from adapters.contract.spec import Conflict
from experiments.errors import SweepError


@dataclass(frozen=True)
class Workload:
    """One network on one data set.

    model names the implementation that every adapter offers; network holds its fields, less those that belong to the
    machine (adapters.contract.model.NETWORKS[model] says what they mean).
    """

    name: str
    dataset: str
    epochs: int
    model: str
    network: dict[str, Any]
    train_examples: int | None = None  # None: all of them

    def request(self, threads: int, device: str) -> dict[str, Any]:
        """The request's network: every field of adapters.contract.model.NETWORKS[model]."""
        return self.network | {"threads": threads, "device": device}

    def with_overrides(self, **overrides: Any) -> "Workload":
        """The same workload with some of its or its network's fields changed. Raises SweepError for a field it has not."""
        mine = {name: value for name, value in overrides.items() if name in OVERRIDABLE}
        network = {name: value for name, value in overrides.items() if name not in OVERRIDABLE}
        for name in network:
            if name not in self.network:
                raise SweepError(unknown(f"key for workload {self.name}", name, [*OVERRIDABLE, *self.network]))
        return replace(self, network=self.network | network, **mine)

    def conflict(self, configuration: dict[str, str]) -> Conflict | None:
        """The choices that its network can't have with pictures of its size, and why; None if it can have all."""
        if self.model == "cnn":
            try:
                flat_sides(self.network["input_shape"], configuration)
            except ValueError as error:
                return Conflict({"conv_padding": configuration["conv_padding"]}, f"{self.name}: {error}")
        return None


OVERRIDABLE = ("epochs", "train_examples")


def cnn(input_shape: tuple[int, int, int], classes: int) -> dict[str, Any]:
    """The published CNN."""
    return {
        "input_shape": input_shape,
        "classes": classes,
        "filters": (50, 100),
        "hidden": 512,
        "dropout": (0.25, 0.25, 0.5),
        "batch_size": 64,
        "learning_rate": 0.01,
        "momentum": 0.9,
    }


def gru() -> dict[str, Any]:
    """The published GRU."""
    return {
        "tokens": 150,
        "vocabulary": 30000,
        "embedding": 125,
        "hidden": 100,
        "classes": 2,
        "batch_size": 64,
        "learning_rate": 0.001,
        "beta1": 0.9,
        "beta2": 0.999,
    }


# The published networks on their own data, and on data that is at hand everywhere.
WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("digits_cnn", "digits", 10, "cnn", cnn((1, 8, 8), 10)),
        Workload("fashion_cnn", "fashion-mnist", 10, "cnn", cnn((3, 32, 32), 10)),
        Workload("cifar10_cnn", "cifar10", 10, "cnn", cnn((3, 32, 32), 10)),
        Workload("imdb_gru", "imdb", 3, "gru", gru()),
        Workload("imdb_train_gru", "imdb-train", 3, "gru", gru()),
    )
}


def workload_named(name: str) -> Workload:
    """Raises SweepError with one clear line for an unknown name."""
    if name not in WORKLOADS:
        raise SweepError(unknown("workload", name, list(WORKLOADS)))
    return WORKLOADS[name]
