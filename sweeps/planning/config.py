"""Config: a sweep file, resolved once into the objects that a sweep uses: adapters, workload and design."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from adapters import ADAPTERS, load_spec, unknown
from adapters.contract.spec import AdapterSpec
from adapters.networks import SETTINGS
from experiments.errors import SweepError
from experiments.trials.trial import Trial, check_network
from experiments.trials.workload import Workload, workload_named
from sweeps.planning import designs
from sweeps.planning.cells import Row
from sweeps.planning.designs.base import Design
from sweeps.planning.quoting import unquoted_choice
from sweeps.planning.sweep_file import (
    NAME,
    NATIVE,
    PARTS,
    Resources,
    SweepFile,
    WorkloadChoice,
    fields_model,
    read,
    validated,
)

Content = dict[str, Any]


@dataclass(frozen=True)
class Sweep:
    """A resolved sweep file. content: the file's keys. adapters: {name: declaration}."""

    content: Content
    file: SweepFile
    adapters: Mapping[str, AdapterSpec]
    workload: Workload
    design: Design

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def settings(self) -> dict[str, list[str]]:
        return self.file.settings

    @property
    def fixed(self) -> dict[str, str]:
        return self.file.fixed

    @property
    def seeds(self) -> list[int]:
        return self.file.seed_list

    @property
    def resources(self) -> Resources:
        return self.file.resources

    @property
    def device(self) -> str:
        return self.file.resources.device

    @property
    def unverified(self) -> bool:
        return self.file.unverified

    def text(self) -> str:
        """The sweep as a file that `load` reads."""
        return yaml.safe_dump(self.content, sort_keys=False)

    def trial(self, adapter: str, row: Row, seed: int, repeat: bool = False) -> Trial:
        """One trial of the sweep."""
        file = self.file
        return Trial(
            adapter=adapter,
            workload=self.workload.with_overrides(**row.network),
            configuration=row.configuration,
            seed=seed,
            device=self.device,
            threads=max(1, int(file.resources.num_cpus)),
            time_limit=60.0 * file.time_limit_minutes,
            progress_limit=60.0 * file.progress_limit_minutes,
            keep_weights=file.keep_weights,
            unverified=file.unverified,
            repeat=repeat,
        )


def load(path: Path) -> Sweep:
    """Read a sweep file. Raises SweepError with one line for the first mistake in it."""
    return parse(read(path, SweepFile, "sweep file"), str(path))


def parse(content: Content, source: str) -> Sweep:
    """Validate and resolve a file's content. source: the file's name in messages. Raises SweepError."""
    named = content.get("design")
    kind = designs.load(named, f"{source}: ") if isinstance(named, str) else None
    own = kind.Options.model_fields if kind else {}
    keys = [*SweepFile.model_fields, *own]
    if kind:
        _check_keys([key for key in content if key not in keys], kind.name, source)
    if unquoted := unquoted_choice(content):
        raise SweepError(f"{source}: {unquoted}")
    file = validated(SweepFile, {key: value for key, value in content.items() if key not in own}, source, PARTS, keys)
    assert kind  # else the file had no valid design
    design = kind(validated(kind.Options, {key: value for key, value in content.items() if key in own}, source))
    workload = _workload(file, source)
    adapters = _adapters(file, workload, source)
    _check(file, workload, design, source)
    return Sweep(content, file, adapters, workload, design)


def part(sweep: Sweep, adapters: list[str] | None, settings: list[str] | None) -> Sweep:
    """A sweep of some adapters and settings of another. Raises SweepError for those that the other doesn't have."""
    for what, wanted, there in (
        ("adapter", adapters, list(sweep.adapters)),
        ("setting", settings, list(sweep.settings)),
    ):
        for name in wanted or []:
            if name not in there:
                raise SweepError(f"sweep '{sweep.name}': {unknown(f'{what} of this sweep', name, there)}")
    name = "-".join([sweep.name, *(adapters or []), *(settings or [])])[:64]
    varied = {
        setting: choices for setting, choices in sweep.settings.items() if settings is None or setting in settings
    }
    changes = {"name": name, "adapters": adapters or list(sweep.adapters), "settings": varied}
    return parse(sweep.content | changes, f"part of sweep '{sweep.name}'")


def without_certificates(sweep: Sweep) -> Sweep:
    """The same sweep, which also runs adapters without a certificate."""
    return parse(sweep.content | {"unverified": True}, f"sweep '{sweep.name}'")


def checked_name(name: str) -> str:
    """The same name. Raises SweepError if it is invalid: it becomes part of a path."""
    if not re.fullmatch(NAME, name):
        raise SweepError(
            f"invalid sweep name '{name}': use lowercase letters, digits, '-' and '_', or give a sweep file (.yaml)"
        )
    return name


def _check_keys(unknown_keys: list[str], design: str, source: str) -> None:
    """Raises SweepError for an unknown key that another design has. Without unknown keys no other design is loaded."""
    for name in designs.known() if unknown_keys else ():
        for key in designs.load(name).Options.model_fields:
            if key in unknown_keys:
                raise SweepError(
                    f"{source}: {key} is for design '{name}', but the design is '{design}'; leave {key} out"
                )


def _workload(file: SweepFile, source: str) -> Workload:
    chosen = file.workload
    try:
        workload = workload_named(chosen.name)
    except SweepError as error:
        raise SweepError(f"{source}: {error}") from None
    keys = [*WorkloadChoice.model_fields, *workload.definition.adjustable]
    fields = validated(fields_model(workload.model), chosen.fields, f"{source}: workload {chosen.name}", keys=keys)
    changes = {"epochs": chosen.epochs, "train_examples": chosen.train_examples, **dict(fields)}
    return workload.with_overrides(**{name: value for name, value in changes.items() if value is not None})


def _adapters(file: SweepFile, workload: Workload, source: str) -> dict[str, AdapterSpec]:
    for name in file.adapters:
        if name not in ADAPTERS:
            raise SweepError(f"{source}: {unknown('adapter', name, list(ADAPTERS))}")
        try:
            check_network(name, workload)
        except SweepError as error:
            raise SweepError(f"{source}: {error}") from None
    return {name: load_spec(name) for name in file.adapters}


def _check(file: SweepFile, workload: Workload, design: Design, source: str) -> None:
    for what, values in (("adapters", file.adapters), ("seeds", file.seed_list)):
        if len(set(values)) < len(values):
            raise SweepError(f"{source}: {what} must not repeat, but got {values}")
    if not file.seed_list or min(file.seed_list) < 0 or max(file.seed_list) >= 2**32:
        raise SweepError(f"{source}: seeds must be whole numbers from 0 to {2**32 - 1}, but got {file.seeds}")
    both = set(file.settings) & set(file.fixed)
    if both:
        raise SweepError(f"{source}: '{min(both)}' is in settings and in fixed; a setting either varies or is fixed")
    try:
        design.check(file)
    except SweepError as error:
        raise SweepError(f"{source}: {error}") from None
    _check_choices(file, workload, source)


def _check_choices(file: SweepFile, workload: Workload, source: str) -> None:
    chosen = {**file.settings, **{name: [choice] for name, choice in file.fixed.items()}}
    concerned = list(workload.definition.settings)
    for name, choices in chosen.items():
        if name not in concerned:
            raise SweepError(f"{source}: {unknown(f'setting of a {workload.model} workload', name, concerned)}")
        known = [*SETTINGS[name].choices, NATIVE]
        for choice in choices:
            if choice not in known:
                raise SweepError(f"{source}: {unknown(f'choice for {name}', choice, known)}")
        if not choices or len(set(choices)) < len(choices):
            raise SweepError(f"{source}: settings.{name} must list choices without repeating one, but got {choices}")
