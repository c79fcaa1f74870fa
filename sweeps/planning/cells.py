"""Cells: the choices of a sweep that one adapter can run, and those that are not run, with the reasons."""

import itertools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from adapters.contract.spec import AdapterSpec, Conflict
from experiments.errors import SweepError
from sweeps.planning.plan import Collapsed, Dropped
from sweeps.planning.sweep_file import NATIVE

if TYPE_CHECKING:  # config imports the designs, which import this module
    from sweeps.planning.config import Sweep

Configuration = dict[str, str]
Choices = dict[str, list[str]]


class Row(NamedTuple):
    """A row of a design: a configuration, and the fields of the network that differ from the workload's."""

    configuration: Configuration
    network: dict[str, Any] = {}


class Cells:
    """One adapter's part of a sweep.

    baseline: the adapter's default configuration with the sweep's fixed settings. choices: {setting: the choices that
    make a difference on this device}. dropped, collapsed: what is not run, with the reasons.
    """

    def __init__(self, sweep: "Sweep", spec: AdapterSpec):
        """Raises SweepError if the adapter doesn't support a fixed setting."""
        self.sweep, self.spec = sweep, spec
        self.native = spec.native(sweep.workload.model)
        self.dropped: list[Dropped] = []
        self.collapsed: list[Collapsed] = []
        self.baseline = self._baseline()
        self.choices = self._choices()

    def drop(self, setting: str, choice: str, reason: str) -> None:
        """Note a choice that the adapter can't run."""
        self.dropped.append(Dropped(adapter=self.spec.name, setting=setting, choice=choice, reason=reason))

    def collapse(self, setting: str, kept: str, reason: str) -> None:
        """Note a setting whose choices make no difference on this device."""
        self.collapsed.append(Collapsed(adapter=self.spec.name, setting=setting, kept=kept, reason=reason))

    def conflict(self, configuration: Configuration) -> Conflict | None:
        """The choices that conflict, in the framework or in the network; None if none do."""
        return self.spec.conflict(configuration, self.sweep.device) or self.sweep.workload.conflict(configuration)

    def possible(self, configurations: Iterable[Configuration]) -> list[Row]:
        """The rows without conflicts; the conflicts are noted."""
        rows = [(configuration, self.conflict(configuration)) for configuration in configurations]
        self.drop_conflicts(met for _, met in rows if met)
        return [Row(configuration) for configuration, met in rows if not met]

    def drop_conflicts(self, met: Iterable[Conflict]) -> None:
        """Note each conflict once."""
        for choices, why in dict.fromkeys((tuple(one.choices.items()), one.reason) for one in met):
            (setting, choice), *others = choices
            self.drop(setting, choice, f"not with {format_choices(dict(others))}: {why}" if others else why)

    def _baseline(self) -> Configuration:
        configuration = dict(self.native)
        for name, choice in self.sweep.fixed.items():
            if choice == NATIVE:
                continue
            refusal = self.spec.refusal(name, choice)
            if refusal:
                raise SweepError(
                    f"{self.spec.name} doesn't support fixed {name}: {choice} ({refusal}); "
                    f"remove the adapter or the setting"
                )
            configuration[name] = choice
        return configuration

    def _choices(self) -> Choices:
        kept = {}
        own = self.spec.own(self.sweep.workload.model)
        for name, wanted in self.sweep.settings.items():
            asked = dict.fromkeys(own.get(name, NATIVE) if choice == NATIVE else choice for choice in wanted)
            refusals = {choice: self.spec.refusal(name, choice) for choice in asked}
            for choice, reason in refusals.items():
                if reason:
                    self.drop(name, choice, reason)
            possible = [choice for choice, reason in refusals.items() if not reason]
            inert = self.spec.inert(name, self.sweep.device)
            if inert and possible:
                self.collapse(name, self.native[name], inert)
            elif possible:
                kept[name] = possible
        return kept


def combinations(choices: Choices, names: Iterable[str]) -> list[Configuration]:
    """Every combination of the choices of some settings."""
    names = list(names)
    return [dict(zip(names, chosen, strict=True)) for chosen in itertools.product(*(choices[name] for name in names))]


def format_choices(choices: Mapping[str, str]) -> str:
    """Choices as text: "loss=logits and init=zeros"."""
    return " and ".join(f"{name}={choice}" for name, choice in choices.items())
