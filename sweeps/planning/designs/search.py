"""Search: Optuna samples configurations for the best accuracy and time. It estimates no effects."""

import itertools
from typing import Annotated, Any, Literal

from pydantic import Field

from experiments.errors import SweepError
from sweeps.planning.cells import combinations
from sweeps.planning.designs.base import Cells, Configuration, Design, Made, NoOptions


class Search(Design):
    """Trials are drawn while the sweep runs: see sweeps.execution.ledger."""

    name = "search"
    summary = "Configurations that Optuna samples, to find the best one."
    estimator = "none"
    repeats = False

    class Options(NoOptions):
        trials: Annotated[int, Field(gt=0, le=100_000)] = Field(
            examples=[20], description="Number of configurations to sample; a repeated draw is not run again."
        )
        sampler: Literal["tpe", "gp", "nsga2", "random"] = Field("tpe", description="Optuna's sampler.")
        pruner: Literal["none", "median"] = Field(
            "none",
            description="`median` stops a trial whose accuracy after an epoch is below the median of the others.",
        )

    def make(self, cells: dict[str, Cells]) -> Made:
        """Note conflicting choices. Raises SweepError if an adapter has no configuration without a conflict."""
        for name, mine in cells.items():
            if not mine.possible(self.configurations(mine)):
                raise SweepError(
                    f"design 'search' has nothing to draw for {name}: {mine.dropped[-1].reason}; "
                    f"change fixed or settings"
                )
        return Made({}, planned=self.options.trials)

    def configurations(self, cells: Cells) -> list[Configuration]:
        """Every pair of choices once, so that every conflict of two choices is noted."""
        pairs: Any = itertools.combinations(cells.choices, min(2, len(cells.choices)))
        return [{**cells.baseline, **chosen} for pair in pairs for chosen in combinations(cells.choices, pair)]
