"""Presets: named configurations of all settings, to compare frameworks instead of settings."""

from typing import Literal

from pydantic import Field

from adapters.contract.spec import AdapterSpec
from adapters.networks import SETTINGS
from experiments.errors import SweepError
from sweeps.planning.designs.base import Cells, Design, Made, NoOptions, Row
from sweeps.planning.sweep_file import SweepFile

NATIVE, MATCHED, PUBLISHED = "native", "matched", "published"


class Presets(Design):
    """`native`: the defaults. `matched`: the same function in every framework. `published`: as in the notebook."""

    name = "presets"
    summary = "Whole configurations: the defaults, one that makes all frameworks equal, or the published notebooks'."
    estimator = "none"
    takes_settings = False
    repeats = False  # frameworks are compared across seeds, which show the noise

    class Options(NoOptions):
        presets: list[Literal["native", "matched", "published"]] = Field(
            min_length=1,
            examples=[[NATIVE, MATCHED]],
            description="The configurations to compare: native, matched, published.",
        )

    def check(self, file: SweepFile) -> None:
        if file.settings or file.fixed:
            raise SweepError("a preset is a whole configuration; leave settings and fixed out")
        if len(set(self.options.presets)) < len(self.options.presets):
            raise SweepError(f"presets must not repeat, but got {self.options.presets}")

    def make(self, cells: dict[str, Cells]) -> Made:
        presets = {name: self._rows(mine) for name, mine in cells.items()}
        return Made({name: list(rows.values()) for name, rows in presets.items()}, presets=presets)

    def _rows(self, cells: Cells) -> dict[str, Row]:
        """{preset: its row} of the presets that the adapter supports; the others are noted."""
        found: dict[str, Row] = {}
        for preset in self.options.presets:
            made = row(preset, cells.spec, cells.sweep.workload.model, cells.sweep.device)
            if isinstance(made, Row):
                found[preset] = made
            else:
                cells.drop("preset", preset, made)
        return found


def row(preset: str, spec: AdapterSpec, model: str, device: str) -> Row | str:
    """A preset's row for an adapter, or the reason why there is none. Inert settings keep their default."""
    native = spec.native(model)
    if preset == PUBLISHED and model not in spec.published:
        return f"no {model} notebook was published for {spec.name}"
    wanted = {NATIVE: {}, MATCHED: matched(spec, model), PUBLISHED: published(spec, model)}[preset]
    for name, choice in wanted.items():
        refusal = spec.refusal(name, choice)
        if refusal:
            return f"{name} can't be {choice}: {refusal}"
    configuration = native | {name: choice for name, choice in wanted.items() if not spec.inert(name, device)}
    conflict = spec.conflict(configuration, device)
    if conflict:
        return conflict.reason
    return Row(configuration, dict(spec.published[model].network) if preset == PUBLISHED else {})


def matched(spec: AdapterSpec, model: str) -> dict[str, str]:
    """The choices with which all frameworks train the same function, without settings that change only time."""
    return {name: SETTINGS[name].matched for name in spec.supported(model) if SETTINGS[name].matched}


def published(spec: AdapterSpec, model: str) -> dict[str, str]:
    """The choices of the adapter's published notebook that differ from the defaults."""
    return dict(spec.published[model].settings) if model in spec.published else {}
