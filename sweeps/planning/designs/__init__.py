"""The designs. Packages can add designs with the entry-point group `rosetta_sweep.designs`: NAME = "module:Class"."""

import pkgutil
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from adapters import unknown
from experiments.errors import SweepError

if TYPE_CHECKING:
    from sweeps.planning.designs.base import Design

GROUP = "rosetta_sweep.designs"
DESIGNS = {
    "one-at-a-time": "one_at_a_time:OneAtATime",
    "factorial": "factorial:Factorial",
    "fractional": "fractional:Fractional",
    "path": "path:WalkedPath",
    "presets": "presets:Presets",
    "search": "search:Search",
}


@cache
def known() -> dict[str, str]:
    """{name: "module:Class"} of every design. Designs of installed packages can't replace built-in ones."""
    ours = {name: f"{__name__}.{where}" for name, where in DESIGNS.items()}
    return {one.name: one.value for one in entry_points(group=GROUP)} | ours


@cache
def load(name: str, source: str = "") -> "type[Design]":
    """A design's class. Raises SweepError if the name is unknown, or its package can't be imported."""
    if name not in known():
        raise SweepError(source + unknown("design", name, list(known())))
    try:
        found: type[Design] = pkgutil.resolve_name(known()[name])
    except (ImportError, AttributeError) as error:
        raise SweepError(
            f"design '{name}' can't be imported from {known()[name]} ({error}); reinstall its package"
        ) from error
    return found
