"""What a design declares and implements. A design is one module with one subclass, found by its name in `DESIGNS`."""

from typing import Any, ClassVar, NamedTuple

from experiments.errors import SweepError
from sweeps.planning.cells import Cells, Choices, Configuration, Row
from sweeps.planning.plan import Aliasing, Estimator, Path
from sweeps.planning.sweep_file import Strict, SweepFile

MOST = 100_000  # trials of a sweep; a longer plan takes years to run, and too much memory to write


class NoOptions(Strict):
    """The keys of a sweep file that one design alone has: none. A design that has some extends it."""


class Made(NamedTuple):
    """What a design makes of the adapters' cells.

    rows: {adapter: its rows}. varied: the settings whose effects are of interest; None: the file's. planned: the number
    of trials where these are sampled. presets: {adapter: {preset: its row}}. aliases: {adapter: its aliasing}.
    """

    rows: dict[str, list[Row]]
    varied: list[str] | None = None
    planned: int | None = None
    presets: dict[str, dict[str, Row]] = {}
    aliases: dict[str, Aliasing] = {}
    path: Path | None = None


class Design:
    """A rule that makes a sweep's trials.

    name: as sweep files write it. summary: one sentence for documents. Options: the keys that it alone has. estimator:
    how its effects are estimated, and with it their power. repeats: whether each block runs its first row twice (A/A
    arm). takes_settings: whether a sweep file names the settings that vary; a key that is required has an example.
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
        """Raises SweepError where the file has what the design can't use, or lacks what it needs."""

    def make(self, cells: dict[str, Cells]) -> Made:
        """The rows of every adapter. Raises SweepError where there are none."""
        return Made({name: mine.possible(self.configurations(mine)) for name, mine in cells.items()})

    def configurations(self, cells: Cells) -> list[Configuration]:
        """Every configuration that the design wants of one adapter, possible or not."""
        raise NotImplementedError


def check_size(design: str, rows: int, seeds: int) -> None:
    """Raises SweepError where so many rows make more trials than a sweep can have."""
    trials = rows * seeds
    if trials > MOST:
        raise SweepError(
            f"design '{design}' makes {trials:,} trials or more, and a sweep has at most {MOST:,}: "
            f"vary fewer settings, use fewer seeds, or design 'search'"
        )


__all__ = ["Cells", "Choices", "Configuration", "Design", "Made", "NoOptions", "Row", "check_size"]
