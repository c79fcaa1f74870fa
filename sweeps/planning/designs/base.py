"""The base class of designs. A design is one module with one subclass, found by its name in `DESIGNS`."""

from typing import Any, ClassVar, NamedTuple

from experiments.errors import SweepError
from sweeps.planning.cells import Cells, Choices, Configuration, Row
from sweeps.planning.plan import Aliasing, Estimator, Path
from sweeps.planning.sweep_file import Strict, SweepFile

MOST = 100_000  # trials of a sweep; more take years to run, and their plan takes too much memory


class NoOptions(Strict):
    """The keys of a sweep file that only one design has. This class has none; a design with such keys extends it."""


class Made(NamedTuple):
    """The rows that a design makes.

    rows: {adapter: its rows}. varied: the settings whose effects are of interest; None: those of the file. planned: the
    number of trials if they are sampled. presets: {adapter: {preset: its row}}. aliases: {adapter: its aliasing}.
    """

    rows: dict[str, list[Row]]
    varied: list[str] | None = None
    planned: int | None = None
    presets: dict[str, dict[str, Row]] = {}
    aliases: dict[str, Aliasing] = {}
    path: Path | None = None


class Design:
    """A rule that makes a sweep's trials.

    name: as in sweep files. summary: one sentence for documents. Options: the keys that only this design has.
    estimator: how its effects and their power are estimated. repeats: whether each block runs its first row twice (A/A
    arm). takes_settings: whether a sweep file names the settings that vary. A required key of Options has an example.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    Options: ClassVar[type[NoOptions]] = NoOptions
    estimator: ClassVar[Estimator] = "linear"
    repeats: ClassVar[bool] = True
    takes_settings: ClassVar[bool] = True

    def __init__(self, options: Any):
        """options: an instance of the design's Options."""
        self.options = options

    def check(self, file: SweepFile) -> None:
        """Raises SweepError if the design can't use a key of the file, or lacks one."""

    def make(self, cells: dict[str, Cells]) -> Made:
        """The rows of every adapter. Raises SweepError if there are none."""
        return Made({name: mine.possible(self.configurations(mine)) for name, mine in cells.items()})

    def configurations(self, cells: Cells) -> list[Configuration]:
        """All configurations of one adapter, including those whose choices conflict."""
        raise NotImplementedError


def check_size(design: str, rows: int, seeds: int) -> None:
    """Raises SweepError if there are more trials than a sweep can have."""
    trials = rows * seeds
    if trials > MOST:
        raise SweepError(
            f"design '{design}' makes at least {trials:,} trials, but a sweep can have at most {MOST:,}; "
            f"vary fewer settings, use fewer seeds, or use design 'search'"
        )


__all__ = ["Cells", "Choices", "Configuration", "Design", "Made", "NoOptions", "Row", "check_size"]
