"""Sweep files: the keys that all designs have, and the validation of YAML files."""

import math
import reprlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model

from adapters import unknown
from adapters.networks import load_network
from experiments.errors import SweepError

NATIVE = "native"  # in a list of choices: the framework's default
NAME = r"^[a-z0-9][a-z0-9_-]{0,63}$"  # of a sweep: it names a folder and an MLflow experiment
LARGEST = 1_000_000  # bytes of a file; larger YAML files are slow to parse
Minutes = Annotated[float, Field(gt=0, le=14 * 24 * 60)]  # the operating system can wait for 24 days at most
Positive = Annotated[int, Field(gt=0, lt=2**31)]  # the integers that every framework supports


class Strict(BaseModel):
    """A part of a file: unknown keys and values of another type are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class WorkloadChoice(Strict):
    """A workload and the hyperparameters that the sweep changes: its network's adjustable fields are keys too."""

    model_config = ConfigDict(extra="allow")

    name: str = Field(description="The workload: a data set and a network.")
    epochs: Positive | None = Field(None, description="Passes over the training examples.")
    train_examples: Positive | None = Field(None, description="Training examples to use. Default: all.")

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the network that the file names, as it gives them."""
        return self.model_extra or {}


@cache
def fields_model(name: str) -> type[Strict]:
    """The model of a network's adjustable fields, each of its published value's form."""
    network = load_network(name)
    made: Any = {name: _field(network.published[name], meaning) for name, meaning in network.adjustable.items()}
    return create_model(f"{name}_fields", __base__=Strict, **made)


def _field(value: Any, meaning: str) -> tuple[Any, Any]:
    """A field of the value's form: a positive whole number, or as many of them as the value has."""
    if isinstance(value, tuple):  # YAML has lists
        return GenericAlias(tuple, (Positive,) * len(value)) | None, Field(None, strict=False, description=meaning)
    return Positive | None, Field(None, description=meaning)


def _countable(amount: float) -> float:
    """Round down to what Ray can count: ten-thousandths of a resource, so that three thirds fit one device."""
    if 0 < amount < 0.0001:
        raise ValueError("Ray shares a device in ten-thousandths")
    return math.floor(10_000 * amount + 1e-6) / 10_000


Quantity = Annotated[float, AfterValidator(_countable)]


class Resources(Strict):
    """Ray resources that one trial holds. With num_gpus a trial runs on CUDA, otherwise on the CPU."""

    num_gpus: Quantity = Field(0, ge=0, description="GPUs per trial; fractions share a GPU. 0: train on the CPU.")
    num_cpus: Quantity = Field(1, gt=0, description="CPU cores per trial; also the framework's number of threads.")
    custom: dict[str, dict[str, Annotated[Quantity, Field(gt=0, strict=False)]]] = Field(
        {}, description="Custom Ray resources per adapter: {adapter: {resource: amount}}."
    )

    @property
    def device(self) -> str:
        return "cuda" if self.num_gpus else "cpu"


class SmallestEffect(Strict):
    """The smallest effects of practical interest. Verdicts are relative to these."""

    accuracy: float = Field(0.5, gt=0, description="Accuracy, in percentage points.")
    time: float = Field(3.0, gt=0, description="Time, in percent.")


class SweepFile(Strict):
    """A sweep file without the keys of its design (see sweeps.planning.designs)."""

    name: Annotated[str, Field(pattern=NAME)] = Field(
        description="Name of the sweep, its folder and its MLflow experiment."
    )
    workload: WorkloadChoice = Field(description="What is trained.")
    adapters: list[str] = Field(min_length=1, description="The frameworks' adapters to compare.")
    design: str = Field(description="The rule that makes the trials.")
    settings: dict[str, list[str]] = Field(
        {}, description="Settings that vary, with their choices; `native` is the framework's default."
    )
    fixed: dict[str, str] = Field({}, description="Settings that have one choice in every trial.")
    seeds: Annotated[int, Field(gt=0, le=10_000)] | list[int] = Field(
        3, description="Number of seeds, or a list of them. Each configuration runs once per seed."
    )
    resources: Resources = Field(
        default_factory=lambda: Resources.model_validate({}), description="Ray resources that one trial holds."
    )
    smallest_effect: SmallestEffect = Field(
        default_factory=lambda: SmallestEffect.model_validate({}),
        description="The smallest effects of practical interest.",
    )
    unverified: bool = Field(False, description="Run adapters without a certificate too; the report names them.")
    time_limit_minutes: Minutes = Field(60, description="A trial that takes longer is stopped and counts as failed.")
    progress_limit_minutes: Minutes = Field(
        30, description="A trial without progress for so long is stopped. An epoch must be shorter."
    )
    keep_weights: bool = Field(
        False, description="Keep each trained network's weights, in MLflow too. `transfer` needs them."
    )

    @property
    def seed_list(self) -> list[int]:
        return list(range(self.seeds)) if isinstance(self.seeds, int) else self.seeds


PARTS: dict[str, type[BaseModel]] = {
    "workload": WorkloadChoice,
    "resources": Resources,
    "smallest_effect": SmallestEffect,
}

M = TypeVar("M", bound=BaseModel)


def read(path: Path, model: type[BaseModel], what: str) -> dict[str, Any]:
    """The mapping in a YAML file whose keys are the model's. Raises SweepError."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise SweepError(f"there is no {what} '{path}'; shipped ones are named without a path and .yaml") from None
    except OSError as error:
        raise SweepError(f"the {what} '{path}' can't be read: {error.strerror}") from error
    if len(text) > LARGEST:
        raise SweepError(f"'{path}' is larger than {LARGEST:,} bytes, the limit for a {what}; name another file")
    try:
        content = yaml.safe_load(text)
    except Exception as error:  # PyYAML's errors, and Python's for a number, date or nesting out of range
        raise SweepError(f"'{path}' is not a YAML file: {error or type(error).__name__}") from error
    if not isinstance(content, Mapping):
        raise SweepError(f"'{path}' must be a mapping with keys {', '.join(model.model_fields)}")
    return dict(content)


def validated(
    model: type[M],
    content: dict[str, Any],
    source: str,
    parts: Mapping[str, type[BaseModel]] = {},
    keys: list[str] | None = None,
) -> M:
    """The content as the model. Raises SweepError with one line.

    parts: {key: model of its content}. keys: the known keys, to suggest one for an unknown key; default: the model's.
    """
    known = keys or list(model.model_fields)
    try:
        return model(**content)
    except ValidationError as error:
        raise SweepError(f"{source}: {_first_line(error, model, parts, known)}") from None
    except TypeError:  # keys that are not strings
        raise SweepError(f"{source}: every key must be a word; choices: {', '.join(known)}") from None


def _first_line(
    error: ValidationError, model: type[BaseModel], parts: Mapping[str, type[BaseModel]], known: list[str]
) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        owner = (parts.get(str(first["loc"][0])) if len(first["loc"]) > 1 else model) or model
        field = owner.model_fields.get(str(first["loc"][-1]))
        return f"key '{place}' is missing" + (f": {field.description}" if field and field.description else "")
    if first["type"] == "extra_forbidden":
        part = parts.get(str(first["loc"][0])) if len(first["loc"]) > 1 else None
        choices = list(part.model_fields) if part else known
        return unknown("key", place.split(".")[-1], choices) + f" (at '{place}')"
    return f"{place}: {first['msg'][0].lower()}{first['msg'][1:]}, but got {reprlib.repr(first['input']):.80}"
