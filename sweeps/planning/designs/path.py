"""Path: trials that lead from one adapter's configuration to another's, to explain the gap between the two.

A step gives one setting the other adapter's choice; a walk is an order of the steps. The share of a step in the gap is
its effect averaged over the walks: its Shapley value, if every order is walked.
"""

import itertools
import math
import random
from typing import Annotated

from pydantic import Field

from adapters.networks import SETTINGS
from experiments.errors import SweepError
from sweeps.planning.cells import format_choices
from sweeps.planning.designs.base import Cells, Configuration, Design, Made, NoOptions, Row
from sweeps.planning.plan import Path, Step
from sweeps.planning.sweep_file import SweepFile

FEW = 4  # up to this number, steps are walked in every order: 2 ** 4 configurations

Steps = dict[str, tuple[str, str]]  # {setting: (own choice, the other adapter's)}
Walk = tuple[str, ...]


class WalkedPath(Design):
    """The first adapter takes over the second one's choices, one at a time."""

    name = "path"
    summary = "Explains the gap between two adapters: the first takes over the second one's choices step by step."
    takes_settings = False

    class Options(NoOptions):
        permutations: Annotated[int, Field(gt=0, le=1000)] = Field(
            6, description=f"Random orders of the steps, where there are more than {FEW}; each is walked backwards too."
        )

    def check(self, file: SweepFile) -> None:
        if len(file.adapters) != 2:
            raise SweepError(
                f"design 'path' walks from one adapter to another; adapters must list two, but got {file.adapters}"
            )
        if file.settings:
            raise SweepError(
                "design 'path' walks every setting in which its two adapters differ; leave settings out "
                "(fixed gives a setting the same choice in both, so that it is not walked)"
            )

    def make(self, cells: dict[str, Cells]) -> Made:
        source, target = cells.values()
        found = steps(source, target)
        walked, rows = self._walkable(source, target, found)
        path = Path(
            source=source.spec.name,
            target=target.spec.name,
            steps=[Step(setting=name, own=own, other=other) for name, (own, other) in found.items()],
            walks=[list(walk) for walk in walked],
        )
        return Made({path.source: rows, path.target: target.possible([target.baseline])}, varied=list(found), path=path)

    def _walkable(self, source: Cells, target: Cells, found: Steps) -> tuple[list[Walk], list[Row]]:
        """The walks without conflicts, and their rows. Raises SweepError if there are none."""
        drawn = walks(list(found), self.options.permutations, source.sweep.name)
        on = {walk: along(walk, source.baseline, found) for walk in drawn}
        met = {walk: [conflict for row in on[walk] if (conflict := source.conflict(row))] for walk in drawn}
        source.drop_conflicts(itertools.chain(*met.values()))
        possible = [walk for walk in drawn if not met[walk]]
        if not possible:
            first = met[drawn[0]][0]
            raise SweepError(
                f"design 'path' finds no way from {source.spec.name} to {target.spec.name}: {source.spec.name} "
                f"can't have {format_choices(first.choices)} ({first.reason}); give one of these settings another "
                f"choice in fixed, the same for both adapters"
            )
        return possible, [Row(row) for row in distinct([row for walk in possible for row in on[walk]])]


def steps(source: Cells, target: Cells) -> Steps:
    """The settings in which two adapters differ and that the source supports; the others are noted."""
    found: Steps = {}
    for name in SETTINGS:
        own, other = source.baseline.get(name), target.baseline.get(name)
        if own == other:
            continue
        lacking, choice = (target, own) if other is None else (source, other)
        refusal = lacking.spec.refusal(name, str(choice))
        inert = next((end for end in (source, target) if end.spec.inert(name, end.sweep.device)), None)
        if inert:
            inert.collapse(name, inert.baseline[name], inert.spec.inert(name, inert.sweep.device))
        elif refusal:
            lacking.drop(name, str(choice), refusal)
        else:
            found[name] = (str(own), str(other))
    return found


def walks(names: list[str], permutations: int, key: str) -> list[Walk]:
    """Every order of a few steps. Of more steps: random orders, seeded by `key`, each also reversed, none twice."""
    if len(names) <= FEW:
        return list(itertools.permutations(names))
    order, shuffle = list(names), random.Random(key).shuffle
    found: dict[Walk, None] = {}
    while len(found) < min(2 * permutations, math.factorial(len(names))):
        shuffle(order)
        found |= dict.fromkeys([tuple(order), tuple(reversed(order))])
    return list(found)


def along(walk: Walk, start: Configuration, steps: Steps) -> list[Configuration]:
    """The configurations on a walk, from the start to the last step: one more than there are steps."""
    return [start | {name: steps[name][1] for name in walk[:taken]} for taken in range(len(walk) + 1)]


def distinct(configurations: list[Configuration]) -> list[Configuration]:
    """Each configuration once, in order."""
    return list({tuple(sorted(configuration.items())): configuration for configuration in configurations}.values())
