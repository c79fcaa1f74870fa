"""Factorial: every combination of the choices."""

import math

from sweeps.planning.cells import combinations
from sweeps.planning.designs.base import Cells, Configuration, Design, check_size


class Factorial(Design):
    """Estimates main effects and, where they are not aliased, interactions of two settings."""

    name = "factorial"
    summary = "Every combination of the choices."

    def configurations(self, cells: Cells) -> list[Configuration]:
        check_size(self.name, math.prod(map(len, cells.choices.values())), len(cells.sweep.seeds))
        return [{**cells.baseline, **chosen} for chosen in combinations(cells.choices, cells.choices)]
