"""Plan: everything a sweep will run, fixed before it runs, and the one place that writes and reads it.

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

# How a design's effects are estimated: each choice against the baseline, seed by seed; by one linear model of all of an
# adapter's runs; or not at all, where the design compares no settings.
Estimator = Literal["paired", "linear", "none"]


def _known(name: str) -> str:
    if name not in SETTINGS:
        raise ValueError("no setting of this version")
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
    """A trial as plans show it. repeat: whether it belongs to the A/A arm."""

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
    """What the rows of a fractional design can't tell apart in one adapter.

    resolution: None where nothing is aliased. balanced: whether each setting has either choice equally often, whatever
    the other settings are. aliases: groups of effects that are one effect in these rows: a setting ("init"), two of them
    ("init:loss"), or the "mean" of all rows.
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
    """What a sweep will run.

    natives: {adapter: its default configuration}. varied: the settings whose effects are of interest. unavailable:
    {adapter: why this machine can't run it}, which the run finds out. unverified: the adapters that run without a
    certificate. planned: the number of trials. sampled: whether they are drawn while the sweep runs; then `trials` and
    `order` are empty. trials: every trial in running order.
    order: the same as trials to run; in memory only. In each block (adapter and seed) of compared settings the first
    row runs twice, which is the A/A arm.
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
        """The adapter of every trial; where they are sampled, as if each adapter came equally often."""
        drawn = itertools.islice(itertools.cycle(self.adapters), self.planned)
        return [trial.adapter for trial in self.trials] or list(drawn)

    def as_dict(self) -> dict[str, Any]:
        """The plan as `plan --json` prints it and as it is stored."""
        return self.model_dump(mode="json", by_alias=True)

    def write(self, path: FilePath) -> None:
        """Store the plan."""
        path.write_text(self.model_dump_json(by_alias=True, indent=1))


def read(path: FilePath) -> Plan:
    """A plan that was written. Raises TrackingError where it can't be read, or another version wrote it."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise TrackingError(f"the plan '{path}' can't be read ({error}); run the sweep file again: {KEPT}") from error
    return parsed(content, f"plan '{path}'")


KEPT = "completed trials are kept"


def parsed(content: Any, what: str) -> Plan:
    """A plan from its stored form. what: its name in a message. Raises TrackingError with one line."""
    plan: Plan = checked(Plan, content, what)
    return plan


def checked(model: Any, content: Any, what: str) -> Any:
    """Content that a server, a person or another version may have changed, as the model. Raises TrackingError."""
    try:
        json.dumps(content, ensure_ascii=False).encode()  # JSON may name half a character, which no table accepts
        return model.model_validate(content)
    except UnicodeEncodeError as error:
        raise TrackingError(f"the {what} holds invalid text ({error}); run the sweep file again: {KEPT}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "all of it"
        raise TrackingError(
            f"the {what} is not as this version writes it ({place}: {first['msg']}); run the sweep file again: {KEPT}"
        ) from None
