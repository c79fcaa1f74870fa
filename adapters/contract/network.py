"""What a network declares: everything about it that no framework decides. Read by Python 3.6 to 3.13."""

from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple

from adapters.contract.settings import Setting
from adapters.contract.spec import Conflict, Position


class Task(NamedTuple):
    """A workload of the network: the name of a data set, the epochs, and the fields that the data decide."""

    dataset: str
    epochs: int
    fields: Dict[str, Any]


class Drawn(NamedTuple):
    """What a setting that chooses an initializer draws.

    initializers: {choice: (family, standard deviation)} as in adapters.common.initializers.
    parts: function of (choice, canonical weights) -> [(array, its initializer, (fan_in, fan_out))], the arrays being
        views of the weights, in an order that does not depend on theirs.
    """

    initializers: Dict[str, Any]
    parts: Callable[[str, Dict[str, Any]], Any]


class Verification(NamedTuple):
    """How adapters of the network are compared with the reference.

    workload: the one of `Network.workloads` whose fields are the published size.
    sample: function of (RandomState, fields, examples) -> the examples' array, as a data set's folder holds it.
    sizes: {width: fields that differ from the workload's}: "full" is the published size without dropout, "narrow" takes
        seconds in float64, "tiny" is for frameworks without float64.
    seeds: {width: seed of the examples} where it is not 0.
    followed: settings that change the function and that the reference follows.
    kernels: settings that choose other kernels, which may exist in float32 alone: compared at full size too.
    defined: {setting: choice} that every comparison starts from: the reference has no other.
    conditioned: {setting: choice} for comparisons at full size in float32, where another choice amplifies rounding.
    unreadable: settings that can't be read back from a network without dropout.
    scored: settings that decide the scores of given weights.
    """

    workload: str
    sample: Callable[[Any, Dict[str, Any], int], Any]
    sizes: Dict[str, Dict[str, Any]]
    seeds: Dict[str, int] = {}
    followed: Tuple[str, ...] = ()
    kernels: Tuple[str, ...] = ()
    defined: Dict[str, str] = {}
    conditioned: Dict[str, str] = {}
    unreadable: Tuple[str, ...] = ()
    scored: Tuple[str, ...] = ()


class Implementation(NamedTuple):
    """A network's implementation for an adapter, from outside the adapter's folder.

    model: "module:class". settings: the adapter's positions on the settings that it has not declared itself.
    """

    model: str
    settings: Dict[str, Position] = {}


def no_conflict(fields, configuration):
    # type: (Dict[str, Any], Dict[str, str]) -> Optional[Conflict]
    """For networks that work in every size with every choice."""
    return None


class Network(NamedTuple):
    """A network, framework-neutral.

    name: as requests and the adapters' tables write it ("cnn"). title: as documents write it ("The CNN").
    fields: NamedTuple class of the network's hyperparameters, then threads and device; adapters get an instance.
    published: default values of the fields but threads and device.
    settings: its settings, in order.
    batch: class that forms batches (adapters.common.batches.Images or Sequences, or one like them).
    drawn: {setting: what it draws}, for the settings that choose an initializer.
    workloads: {name of a workload: task}.
    adjustable: {field: its meaning}: the fields that a sweep file may change; positive whole numbers, or tuples of
        them.
    conflict: function of (fields, configuration) -> the choices that don't work in this size, or None.
    implementations: {adapter: implementation} that the network brings; those of built-in networks are in the adapters'
        folders.
    """

    name: str
    title: str
    fields: Any
    published: Dict[str, Any]
    settings: Dict[str, Setting]
    batch: Any
    drawn: Dict[str, Drawn]
    workloads: Dict[str, Task]
    verification: Verification
    adjustable: Dict[str, str]
    conflict: Callable[[Dict[str, Any], Dict[str, str]], Optional[Conflict]] = no_conflict
    implementations: Dict[str, Implementation] = {}
