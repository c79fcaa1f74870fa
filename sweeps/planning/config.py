"""Sweep: what one YAML file declares, validated."""

import math
import re
import reprlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from adapters import ADAPTERS, unknown
from adapters.networks import SETTINGS, load_network
from experiments.errors import SweepError
from experiments.trials.trial import check_network
from experiments.trials.workload import WORKLOADS, Workload, workload_named

NATIVE = "native"  # in a list of choices: whatever the framework does if nobody asks
NAME = r"^[a-z0-9][a-z0-9_-]{0,63}$"  # of a sweep: it is a folder's name, and an experiment's
LARGEST = 1_000_000  # bytes of a file; what is larger is no sweep, and YAML is slow
Minutes = Annotated[float, Field(gt=0, le=14 * 24 * 60)]  # the system waits 24 days at most
Positive = Annotated[int, Field(gt=0, lt=2**31)]  # what every framework can count to
Design = Literal["one-at-a-time", "factorial", "fractional", "path", "presets", "search"]
Preset = Literal["native", "matched", "published"]
KEYS = {
    "resolution": "fractional",
    "foldover": "fractional",
    "permutations": "path",
    "sampler": "search",
    "pruner": "search",
}  # that one design alone has


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class WorkloadChoice(Strict):
    """A workload's name and what to change of it."""

    name: str
    epochs: Positive | None = None
    train_examples: Positive | None = None
    filters: tuple[Positive, Positive] | None = Field(None, strict=False)
    hidden: Positive | None = None
    embedding: Positive | None = None
    batch_size: Positive | None = None

    def resolve(self) -> Workload:
        """Raises SweepError where the workload's network has no such field."""
        return _resolved(self)


@cache
def _resolved(choice: WorkloadChoice) -> Workload:
    """Once, not for each of ten thousand trials."""
    return workload_named(choice.name).with_overrides(**choice.model_dump(exclude={"name"}, exclude_none=True))


def _countable(amount: float) -> float:
    """Ray counts ten-thousandths and refuses a third: rounded down, so that three thirds fit one device."""
    if 0 < amount < 0.0001:
        raise ValueError("Ray shares a device in ten-thousandths")
    return math.floor(10_000 * amount + 1e-6) / 10_000


Quantity = Annotated[float, AfterValidator(_countable)]


class Resources(Strict):
    """What one trial holds, in Ray's words. With num_gpus the trial runs on CUDA, without on CPUs."""

    num_gpus: Quantity = Field(0, ge=0)
    num_cpus: Quantity = Field(1, gt=0)
    custom: dict[
        str, dict[str, Annotated[Quantity, Field(gt=0, strict=False)]]
    ] = {}  # {adapter: {resource of some nodes: amount}}

    @property
    def device(self) -> str:
        return "cuda" if self.num_gpus else "cpu"


class SmallestEffect(Strict):
    """The smallest effects that matter: verdicts are against these."""

    accuracy: float = Field(0.5, gt=0)  # points
    time: float = Field(3.0, gt=0)  # per cent


class Sweep(Strict):
    """One file: what is trained, what varies, and on what."""

    name: Annotated[str, Field(pattern=NAME)]
    workload: WorkloadChoice
    adapters: list[str] = Field(min_length=1)
    design: Design
    settings: dict[str, list[str]] = {}
    fixed: dict[str, str] = {}
    presets: list[Preset] = []  # presets: whole configurations to compare
    resolution: Literal[3, 4, 5] = (
        4  # fractional: the least that is wanted; from 4 on no main effect is aliased with two settings' interaction
    )
    foldover: bool = False  # fractional: whether the rows with all levels reversed run too
    permutations: Annotated[int, Field(gt=0, le=1000)] = (
        6  # path of many steps: how many random orders to walk, each backwards too
    )
    seeds: Annotated[int, Field(gt=0, le=10_000)] | list[int] = 3
    trials: Annotated[int, Field(gt=0, le=100_000)] | None = (
        None  # search: how many draws; a cell that was drawn before is not run again
    )
    sampler: Literal["tpe", "gp", "nsga2", "random"] = "tpe"  # search: which
    pruner: Literal["none", "median"] = "none"  # search: what ends a trial after an epoch with a low accuracy
    resources: Resources = Field(default_factory=lambda: Resources.model_validate({}))
    smallest_effect: SmallestEffect = Field(default_factory=lambda: SmallestEffect.model_validate({}))
    unverified: bool = False  # whether adapters without a certificate may run; the report says so
    time_limit_minutes: Minutes = 60
    progress_limit_minutes: Minutes = 30  # without an event: an epoch that takes longer counts as a hang
    keep_weights: bool = False  # with every trial, in MLflow too: `transfer` needs them

    def text(self) -> str:
        """The sweep as a file that `load` reads."""
        return yaml.safe_dump(self.model_dump(exclude_unset=True), sort_keys=False)

    @property
    def seed_list(self) -> list[int]:
        return list(range(self.seeds)) if isinstance(self.seeds, int) else self.seeds


def load(path: Path) -> Sweep:
    """Read a sweep file. Raises SweepError with one clear line for whatever is wrong with it."""
    return parse(read(path, Sweep, "sweep file"), str(path))


def checked_name(name: str) -> str:
    """The same name. Raises SweepError where no sweep can have it: it becomes part of a path."""
    if not re.fullmatch(NAME, name):
        raise SweepError(
            f"'{name}' is no sweep's name, which has small letters, digits, - and _; name one, or a sweep file that ends in .yaml"
        )
    return name


def part(sweep: Sweep, adapters: list[str] | None, settings: list[str] | None) -> Sweep:
    """Some adapters and settings of a sweep, as a sweep of its own. Raises SweepError for what the sweep has not."""
    for what, wanted, there in (("adapter", adapters, sweep.adapters), ("setting", settings, list(sweep.settings))):
        for name in wanted or []:
            if name not in there:
                raise SweepError(f"sweep '{sweep.name}': {unknown(f'{what} of this sweep', name, there)}")
    name = "-".join([sweep.name, *(adapters or []), *(settings or [])])[:64]
    varied = {
        setting: choices for setting, choices in sweep.settings.items() if settings is None or setting in settings
    }
    return parse(
        {
            **sweep.model_dump(exclude_unset=True),
            "name": name,
            "adapters": adapters or sweep.adapters,
            "settings": varied,
        },
        f"part of sweep '{sweep.name}'",
    )


def read(path: Path, model: type[BaseModel], what: str) -> dict[str, Any]:
    """The content of a YAML file that is to have the model's keys. Raises SweepError."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise SweepError(f"there is no {what} '{path}'; the ones that ship are in sweeps/") from None
    except OSError as error:
        raise SweepError(f"the {what} '{path}' can't be read: {error.strerror}") from error
    if len(text) > LARGEST:
        raise SweepError(f"'{path}' is larger than {LARGEST:,} bytes, which no {what} is; name another file")
    try:
        content = yaml.safe_load(text)
    except (
        Exception
    ) as error:  # PyYAML's own, and whatever Python raises of a number, a date or a nesting that it can't have
        raise SweepError(f"'{path}' is not a YAML file: {error or type(error).__name__}") from error
    if not isinstance(content, Mapping):
        raise SweepError(f"'{path}' must be a mapping with keys {', '.join(model.model_fields)}")
    return dict(content)


def parse(content: dict[str, Any], source: str) -> Sweep:
    """Validate a file's content. Raises SweepError."""
    sweep = validated(Sweep, content, source, PARTS)
    for check in (_check_names, _check_design, _check_path, _check_choices):
        check(sweep, source)
    return sweep


M = TypeVar("M", bound=BaseModel)
PARTS: dict[str, type[BaseModel]] = {
    "workload": WorkloadChoice,
    "resources": Resources,
    "smallest_effect": SmallestEffect,
}


def validated(model: type[M], content: dict[str, Any], source: str, parts: Mapping[str, type[BaseModel]]) -> M:
    """A file's content as its model. parts: {key: the model of what is under it}. Raises SweepError."""
    try:
        return model(**content)
    except ValidationError as error:
        raise SweepError(f"{source}: {_first_line(error, parts, model)}") from None
    except TypeError:  # keys that are no strings
        raise SweepError(f"{source}: every key must be a word; choices: {', '.join(model.model_fields)}") from None


def _first_line(error: ValidationError, parts: Mapping[str, type[BaseModel]], whole: type[BaseModel]) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        model = parts.get(str(first["loc"][0]), whole) if len(first["loc"]) > 1 else whole
        return unknown("key", place.split(".")[-1], list(model.model_fields)) + f" (at '{place}')"
    return f"{place}: {first['msg'][0].lower()}{first['msg'][1:]}, but got {reprlib.repr(first['input']):.80}"


def _check_names(sweep: Sweep, source: str) -> None:
    for name in sweep.adapters:
        if name not in ADAPTERS:
            raise SweepError(f"{source}: {unknown('adapter', name, list(ADAPTERS))}")
    if sweep.workload.name not in WORKLOADS:
        raise SweepError(f"{source}: {unknown('workload', sweep.workload.name, list(WORKLOADS))}")
    try:
        for name in sweep.adapters:
            check_network(name, sweep.workload.resolve())
    except SweepError as error:
        raise SweepError(f"{source}: {error}") from None
    for what, values in (("adapters", sweep.adapters), ("seeds", sweep.seed_list), ("presets", sweep.presets)):
        if len(set(values)) < len(values):
            raise SweepError(f"{source}: {what} must not repeat, but got {values}")


def _check_design(sweep: Sweep, source: str) -> None:
    both = set(sweep.settings) & set(sweep.fixed)
    if both:
        raise SweepError(f"{source}: '{min(both)}' is in settings and in fixed; a setting either varies or is fixed")
    if (sweep.design == "presets") != bool(sweep.presets):
        raise SweepError(
            f"{source}: design 'presets' needs presets, a list of native, matched, published; no other design has them"
        )
    if sweep.presets and (sweep.settings or sweep.fixed):
        raise SweepError(f"{source}: a preset is a whole configuration; leave settings and fixed out")
    if sweep.design == "search" and sweep.trials is None:
        raise SweepError(f"{source}: design 'search' needs trials: how many configurations to try")
    if sweep.design != "search" and sweep.trials is not None:
        raise SweepError(f"{source}: trials is for design 'search'; design '{sweep.design}' runs every row of its plan")
    for key, design in KEYS.items():
        if key in sweep.model_fields_set and sweep.design != design:
            raise SweepError(
                f"{source}: {key} is for design '{design}', but the design is '{sweep.design}'; leave {key} out"
            )
    if not sweep.seed_list or min(sweep.seed_list) < 0 or max(sweep.seed_list) >= 2**32:
        raise SweepError(f"{source}: seeds must be whole numbers from 0 to {2**32 - 1}, but got {sweep.seeds}")


def _check_path(sweep: Sweep, source: str) -> None:
    if sweep.design != "path":
        return
    if len(sweep.adapters) != 2:
        raise SweepError(
            f"{source}: design 'path' walks from one adapter to another; adapters must list two, but got {sweep.adapters}"
        )
    if sweep.settings:
        raise SweepError(
            f"{source}: design 'path' walks every setting in which its two adapters differ; leave settings out "
            f"(fixed gives a setting the same choice in both, so that it is not walked)"
        )


def _check_choices(sweep: Sweep, source: str) -> None:
    chosen = {**sweep.settings, **{name: [choice] for name, choice in sweep.fixed.items()}}
    model = sweep.workload.resolve().model
    concerned = list(load_network(model).settings)
    for name, choices in chosen.items():
        if name not in concerned:
            raise SweepError(f"{source}: {unknown(f'setting of a {model} workload', name, concerned)}")
        known = [*SETTINGS[name].choices, NATIVE]
        for choice in choices:
            if choice not in known:
                hint = (
                    " (YAML reads a bare on or off as a truth value: write it in quotes)"
                    if choice in ("True", "False")
                    else ""
                )
                raise SweepError(f"{source}: {unknown(f'choice for {name}', choice, known)}{hint}")
        if not choices or len(set(choices)) < len(choices):
            raise SweepError(f"{source}: settings.{name} must list choices without repeating one, but got {choices}")
