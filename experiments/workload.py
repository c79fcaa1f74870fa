"""Workload: data + network + hyper-parameters, framework-neutral. The metric is accuracy over every test example."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from adapters import unknown
from experiments.errors import SweepError


@dataclass(frozen=True)
class Workload:
    """One network on one data set. `model` names the implementation that every adapter offers."""

    name: str
    dataset: str
    input_shape: tuple[int, int, int]
    classes: int
    epochs: int
    train_examples: int | None = None  # None: all of them
    model: str = "cnn"
    filters: tuple[int, int] = (50, 100)
    hidden: int = 512
    dropout: tuple[float, float, float] = (0.25, 0.25, 0.5)
    batch_size: int = 64
    learning_rate: float = 0.01
    momentum: float = 0.9

    def network(self, threads: int, device: str) -> dict[str, Any]:
        """The request's network: the fields of adapters.model.Network."""
        mine = asdict(self)
        shared = ("input_shape", "classes", "filters", "hidden", "dropout", "batch_size", "learning_rate", "momentum")
        return {name: mine[name] for name in shared} | {"threads": threads, "device": device}

    def with_overrides(self, overrides: dict[str, Any]) -> "Workload":
        """The same workload with some fields changed; the network's interface to its data stays."""
        return replace(self, **overrides)


# The published CNN, on data that is at hand everywhere, on data of CIFAR's shape, and on CIFAR-10 itself.
WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("digits_cnn", dataset="digits", input_shape=(1, 8, 8), classes=10, epochs=10),
        Workload("fashion_cnn", dataset="fashion-mnist", input_shape=(3, 32, 32), classes=10, epochs=10),
        Workload("cifar10_cnn", dataset="cifar10", input_shape=(3, 32, 32), classes=10, epochs=10),
    )
}


def workload_named(name: str) -> Workload:
    """Raises SweepError with one clear line for an unknown name."""
    if name not in WORKLOADS:
        raise SweepError(unknown("workload", name, list(WORKLOADS)))
    return WORKLOADS[name]
