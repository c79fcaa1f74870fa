"""Plan: the trials of a sweep, fixed before it runs. Only this module writes and reads plans.

The planner makes a plan, the driver stores it as plan.json with the sweep and in MLflow, and the report reads it there.
"""

import itertools
import json
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SkipValidation, ValidationError, model_validator
from pydantic.functional_validators import AfterValidator

from adapters.networks import SETTINGS
from experiments.errors import TrackingError
from experiments.trials.trial import Trial
from sweeps.planning.sweep_file import NAME

# How a design's effects are estimated: from paired differences between each choice and the baseline; by one linear
# model of all runs of an adapter; or not at all, because the design compares no settings.
Estimator = Literal["paired", "linear", "none"]


def _known(name: str) -> str:
    if name not in SETTINGS:
        raise ValueError("unknown setting")
    return name


Setting = Annotated[str, AfterValidator(_known)]
Choices = dict[str, str]


class Part(BaseModel):
    """A part of a plan."""

    model_config = ConfigDict(frozen=True, strict=True, populate_by_name=True, arbitrary_types_allowed=True)


class PlannedWorkload(Part):
    name: str
    dataset: str
    epochs: int
    train_examples: int | None


class PlannedTrial(Part):
    """A trial in a plan. repeat: whether it belongs to the A/A arm."""

    adapter: str
    workload: dict[str, Any]
    settings: Choices
    seed: int
    repeat: bool = Field(False, exclude_if=lambda repeat: not repeat)


class PresetTrials(Part):
    """The trials of one preset in one adapter, one for each seed. trials: their identities."""

    adapter: str
    preset: str
    trials: list[str]


class Dropped(Part):
    """A choice that an adapter can't run."""

    adapter: str
    setting: str
    choice: str
    reason: str


class Collapsed(Part):
    """A setting whose choices make no difference on the sweep's device."""

    adapter: str
    setting: str
    kept: str
    reason: str


class Aliasing(Part):
    """The aliased effects of a fractional design's rows in one adapter.

    resolution: None if no effects are aliased. balanced: whether each setting has both choices equally often, for each
    choice of every other setting. aliases: groups of effects that these rows can't distinguish: of a setting ("init"),
    of two ("init:loss"), or the "mean" of all rows.
    """

    resolution: int | None
    balanced: bool
    aliases: list[list[str]]


class Step(Part):
    """One step of a path: a setting, the adapter's own choice and the other adapter's."""

    setting: Setting
    own: str = Field(alias="from")
    other: str = Field(alias="to")


class Path(Part):
    """From one adapter's configuration to another's, run in the adapter `source`. walks: orders of the steps."""

    source: str = Field(alias="from")
    target: str = Field(alias="to")
    steps: list[Step]
    walks: list[list[Setting]]


class SmallestEffects(Part):
    """See sweeps.planning.sweep_file.SmallestEffect."""

    accuracy: float
    time: float


class Plan(Part):
    """The plan of a sweep.

    natives: {adapter: its default configuration}. varied: the settings whose effects are of interest. unavailable:
    {adapter: why this machine can't run it}, known after the run. unverified: the adapters that run without a
    certificate. planned: the number of trials. sampled: whether they are drawn while the sweep runs; then `trials` and
    `order` are empty. trials: every trial in running order. order: the same as runnable trials, in memory only. If
    settings are compared, the first row of each block (adapter and seed) runs twice, which is the A/A arm.
    """

    sweep: Annotated[str, Field(pattern=NAME)]
    workload: PlannedWorkload
    design: str
    estimator: Estimator
    device: str
    seeds: list[int]
    adapters: Annotated[list[str], Field(min_length=1)]
    natives: dict[str, Choices]
    smallest_effect: SmallestEffects
    varied: list[Setting]
    unavailable: dict[str, str] = Field({}, validation_alias=AliasChoices("unavailable", "holes"))
    unverified: list[str]
    planned: int
    sampled: bool
    trials: list[PlannedTrial]
    presets: list[PresetTrials] = []
    aliases: dict[str, Aliasing] = {}
    path: Path | None = None
    dropped: list[Dropped]
    collapsed: list[Collapsed]
    order: SkipValidation[list[Trial]] = Field([], exclude=True, repr=False)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        lacking = set(self.adapters) - set(self.natives)
        if lacking:
            raise ValueError(f"no default values of {min(lacking)}")
        return self

    @property
    def trial_adapters(self) -> list[str]:
        """The adapter of every trial. Sampled trials are assumed to have each adapter equally often."""
        drawn = itertools.islice(itertools.cycle(self.adapters), self.planned)
        return [trial.adapter for trial in self.trials] or list(drawn)

    def as_dict(self) -> dict[str, Any]:
        """The plan as `plan --json` prints it and as it is stored."""
        return self.model_dump(mode="json", by_alias=True)

    def write(self, path: FilePath) -> None:
        """Store the plan."""
        path.write_text(self.model_dump_json(by_alias=True, indent=1))


def read(path: FilePath) -> Plan:
    """Read a stored plan. Raises TrackingError if it can't be read, or another version wrote it."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise TrackingError(f"the plan '{path}' can't be read ({error}); run the sweep file again: {KEPT}") from error
    return parsed(content, f"plan '{path}'")


KEPT = "completed trials are saved"


def parsed(content: Any, what: str) -> Plan:
    """A plan from its stored form. what: its name in messages. Raises TrackingError with one line."""
    plan: Plan = checked(Plan, content, what)
    return plan


def checked(model: Any, content: Any, what: str) -> Any:
    """The content as the model. It may have been changed since it was stored; then this raises TrackingError."""
    try:
        json.dumps(
            content, ensure_ascii=False
        ).encode()  # JSON can contain half of a surrogate pair, which no table accepts
        return model.model_validate(content)
    except UnicodeEncodeError as error:
        raise TrackingError(f"the {what} holds invalid text ({error}); run the sweep file again: {KEPT}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "all of it"
        raise TrackingError(
            f"the {what} does not have the format of this version ({place}: {first['msg']}); "
            f"run the sweep file again: {KEPT}"
        ) from None
