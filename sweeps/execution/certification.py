"""Certification: which adapters to verify, on which networks, and whether the result is good enough."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, NamedTuple

from adapters import load_spec
from adapters.networks import NETWORKS
from experiments.locations import cache
from experiments.preparation import certificates
from experiments.trials.workload import workload_named
from sweeps.console import Terminal
from sweeps.execution import node
from sweeps.planning import planner
from sweeps.planning.config import Sweep

if TYPE_CHECKING:
    from experiments.verification.equivalence import Result

Show = Callable[["Result"], None]


class Certification(NamedTuple):
    """The cases that ran, {adapter that can't run on this machine: the reason}, and the verdict."""

    results: "list[Result]"
    unavailable: dict[str, str]
    passed: bool


def complete(sweep: Sweep, unavailable: Collection[str], console: Terminal) -> None:
    """Verify the adapters of a sweep that have no certificate on this machine, where it runs alone.

    unavailable: adapters that can't run here. Raises NotCertified where an adapter does not agree with the reference.
    """
    model, device = sweep.workload.model, sweep.device
    needed = {name: spec for name, spec in sweep.adapters.items() if name not in unavailable}
    missing = [name for name, spec in needed.items() if certificates.read(spec, model, device, cache()) is None]
    if missing:
        console.say(f"verifying {', '.join(missing)} against the reference, once for this environment and code")
        results, _ = _verify({model: missing}, {model: missing}, device, console, lambda result: None)
        for name in missing:
            mine = [result.passed for result in results if result.adapter == name]
            console.say(f"{name}: {sum(mine)} of {len(mine)} cases agree with the reference")
    for spec in needed.values():
        certificates.check(spec, model, device, cache())


def of_adapters(adapters: list[str], workload: str | None, device: str, console: Terminal, show: Show) -> Certification:
    """Verify adapters on a workload's network, or on every network. It fails for one that can't run on this machine.

    show: called with each result. Raises RosettaError if nothing can run.
    """
    models = [workload_named(workload).model] if workload else list(NETWORKS)
    wanted = {model: [name for name in adapters if model in load_spec(name).models] for model in models}
    results, unavailable = _verify(wanted, wanted, device, console, show)
    return Certification(results, unavailable, not unavailable and _agree(results))


def of_sweep(sweep: Sweep, console: Terminal, show: Show) -> Certification:
    """Verify the adapters of a sweep without a certificate on this machine. Those that can't run here are skipped.

    show: called with each result. Raises RosettaError if nothing can run.
    """
    wanted = {sweep.workload.model: planner.uncertified(sweep)}
    # With those already certified: one of them is enough for the sweep.
    needed = {model: list(sweep.adapters) for model in wanted}
    results, unavailable = _verify(wanted, needed, sweep.device, console, show)
    return Certification(results, unavailable, _agree(results))


def _verify(
    wanted: dict[str, list[str]], needed: dict[str, list[str]], device: str, console: Terminal, show: Show
) -> "tuple[list[Result], dict[str, str]]":
    """Verify {network: adapters}, after building the environments of the needed ones."""
    from experiments.verification import equivalence  # late: a sweep with its certificates does not need it

    results: list[Result] = []
    unavailable: dict[str, str] = {}
    for model, adapters in wanted.items():
        if adapters:
            node.build_environments([load_spec("reference")], "cpu", console)
            made, missing = node.build_environments(map(load_spec, needed[model]), device, console)
            unavailable |= missing
            results += equivalence.verify([name for name in adapters if name in made], model, device, cache(), show)
    return results, unavailable


def _agree(results: "Collection[Result]") -> bool:
    return all(result.passed for result in results)
