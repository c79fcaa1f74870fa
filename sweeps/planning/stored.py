"""What a sweep keeps in MLflow beside its runs, as it is read back: a server or a person may have made something else of it."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic wants it before Python 3.12

from adapters.networks import SETTINGS
from experiments.errors import TrackingError
from sweeps.planning.config import NAME, Design


def _known(name: str) -> str:
    if name not in SETTINGS:
        raise ValueError("no setting of this version")
    return name


Setting = Annotated[str, AfterValidator(_known)]
Choices = dict[str, str]


class Workload(TypedDict):
    name: str
    dataset: str
    epochs: int
    train_examples: int | None


class Smallest(TypedDict):
    accuracy: float
    time: float


class Trial(TypedDict):
    adapter: str
    seed: int
    settings: Choices


class Preset(TypedDict):
    adapter: str
    preset: str
    trials: list[str]


class Dropped(TypedDict):
    adapter: str
    setting: str
    choice: str
    reason: str


class Collapsed(TypedDict):
    adapter: str
    setting: str
    kept: str
    reason: str


Path = TypedDict("Path", {"from": str, "to": str, "steps": list[Choices], "walks": list[list[Setting]]})


class Plan(TypedDict):
    """See sweeps.planning.planner.Plan.as_dict."""

    sweep: Annotated[str, Field(pattern=NAME)]
    workload: Workload
    design: Design
    device: str
    seeds: list[int]
    adapters: Annotated[list[str], Field(min_length=1)]
    natives: dict[str, Choices]
    smallest_effect: Smallest
    varied: list[Setting]
    holes: dict[str, str]
    unverified: list[str]
    planned: int
    trials: list[Trial]
    presets: list[Preset]
    path: Path | None
    dropped: list[Dropped]
    collapsed: list[Collapsed]


class Case(TypedDict):
    """See experiments.verification.equivalence.Result.as_dict."""

    dtype: str
    passed: bool
    max_difference: dict[str, float]


PLAN, CASES = TypeAdapter(Plan), TypeAdapter(Annotated[list[Case], Field(min_length=1)])


def plan(content: Any, experiment: str) -> dict[str, Any]:
    """A sweep's plan. Raises TrackingError where it is none, or none of this version."""
    found = _checked(PLAN, content, f"plan of sweep '{experiment}'")
    if not set(found["adapters"]) <= set(found["natives"]):
        raise TrackingError(
            f"the plan of sweep '{experiment}' in MLflow lacks native values of its adapters; run the sweep again with --fresh"
        )
    return dict(found)


def cases(content: Any, adapter: str) -> list[dict[str, Any]]:
    """The cases of an adapter's certificate. Raises TrackingError."""
    return list(_checked(CASES, content, f"certificate of {adapter}"))


def _checked(adapter: TypeAdapter[Any], content: Any, what: str) -> Any:
    try:
        adapter.validate_python(content, strict=True)
        json.dumps(content, ensure_ascii=False).encode()  # JSON may name half a character, which no table takes
    except UnicodeEncodeError as error:
        raise TrackingError(
            f"the {what} in MLflow holds what is no text ({error}); run the sweep again with --fresh"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise TrackingError(
            f"the {what} in MLflow is not as this version writes it ({place or 'all of it'}: {first['msg']}); run the sweep again with --fresh"
        ) from None
    return content
