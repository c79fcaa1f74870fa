"""Paths: the real runs that lead from one adapter's configuration to another's. Pure functions.

A step gives one setting the other adapter's choice. A walk is an order of the steps: averaged over walks, what a step does is its
share of the gap between the two adapters (Shapley's value, where every order is walked).
"""

import itertools
import math
import random
from typing import Any, NamedTuple

from adapters.contract.spec import AdapterSpec
from adapters.networks import SETTINGS

FEW = 4  # so many steps are walked in every order: 2 ** 4 configurations

Steps = dict[str, tuple[str, str]]
Walk = tuple[str, ...]


class End(NamedTuple):
    """One end of a path: an adapter and the configuration that it starts from, or that is to be reached."""

    spec: AdapterSpec
    configuration: dict[str, str]


class Path(NamedTuple):
    """What is walked, in the adapter `source`. steps: {setting: (own choice, the target's)}. walks: orders of the steps."""

    source: str
    target: str
    steps: Steps
    walks: list[Walk]

    def as_dict(self) -> dict[str, Any]:
        """The path as a plan shows it."""
        steps = [{"setting": name, "from": own, "to": other} for name, (own, other) in self.steps.items()]
        return {"from": self.source, "to": self.target, "steps": steps, "walks": [list(walk) for walk in self.walks]}


def steps(
    source: End, target: End, device: str, dropped: list[dict[str, str]], collapsed: list[dict[str, str]]
) -> Steps:
    """The settings in which two ends differ and that the source can walk; the others are written to `dropped` and `collapsed`."""
    found: Steps = {}
    for name in SETTINGS:
        own, other = source.configuration.get(name), target.configuration.get(name)
        if own == other:
            continue
        lacking, choice = (target, own) if other is None else (source, other)
        refusal = lacking.spec.refusal(name, str(choice))
        inert = next((end for end in (source, target) if end.spec.inert(name, device)), None)
        if inert:
            kept, reason = inert.configuration[name], inert.spec.inert(name, device)
            collapsed.append({"adapter": inert.spec.name, "setting": name, "kept": kept, "reason": reason})
        elif refusal:
            dropped.append({"adapter": lacking.spec.name, "setting": name, "choice": str(choice), "reason": refusal})
        else:
            found[name] = (str(own), str(other))
    return found


def walks(names: list[str], permutations: int, key: str) -> list[Walk]:
    """Every order of a few steps; of more, so many random orders fixed by the key, each backwards too, none twice."""
    if len(names) <= FEW:
        return list(itertools.permutations(names))
    order, shuffle = list(names), random.Random(key).shuffle
    found: dict[Walk, None] = {}
    while len(found) < min(2 * permutations, math.factorial(len(names))):
        shuffle(order)
        found |= dict.fromkeys([tuple(order), tuple(reversed(order))])
    return list(found)


def along(walk: Walk, start: dict[str, str], steps: Steps) -> list[dict[str, str]]:
    """The configurations on a walk, from the start to the one with every step taken: one more than there are steps."""
    return [start | {name: steps[name][1] for name in walk[:taken]} for taken in range(len(walk) + 1)]


def distinct(configurations: list[dict[str, str]]) -> list[dict[str, str]]:
    """Each configuration once, in order."""
    return list({tuple(sorted(configuration.items())): configuration for configuration in configurations}.values())
