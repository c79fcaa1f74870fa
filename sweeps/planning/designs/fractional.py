"""Fractional: a fraction of all combinations of two-choice settings, and its aliased effects.

Levels are {setting: [low, high]}, where low is the default choice; a setting with one choice does not vary. Rows are
arrays of -1 (low) and +1 (high), shape (rows, settings). A word is a set of settings, as the bits of a number, whose
levels have a product of the same sign in every row. All words of a design are its defining relation; the length of the
shortest one is the resolution.
"""

from itertools import combinations
from string import ascii_lowercase
from typing import Literal

import numpy as np
from pydantic import Field

from experiments.errors import SweepError
from sweeps.planning.designs.base import Cells, Configuration, Design, Made, NoOptions
from sweeps.planning.plan import Aliasing

Levels = dict[str, list[str]]

MEAN = "mean"  # of all rows; a setting that never changes is aliased with it


class Fractional(Design):
    """Estimates main effects of many settings from few runs; some interactions are aliased with them or each other."""

    name = "fractional"
    summary = "For many settings of two choices: a fraction of the combinations, 32 of 512 for nine settings."

    class Options(NoOptions):
        resolution: Literal[3, 4, 5] = Field(
            4,
            description="Minimum resolution; from 4 on, no main effect is aliased with an interaction of two settings.",
        )
        foldover: bool = Field(False, description="Also run the rows with all choices reversed.")

    def make(self, cells: dict[str, Cells]) -> Made:
        made = super().make(cells)
        found = {name: rows for name, rows in made.rows.items() if rows}
        aliases = {
            name: described([row.configuration for row in rows], _levels(cells[name])) for name, rows in found.items()
        }
        return made._replace(aliases=aliases)

    def configurations(self, cells: Cells) -> list[Configuration]:
        rows = fraction_of(_levels(cells), self.options.resolution, self.options.foldover)
        return [cells.baseline | row for row in rows]


def _levels(cells: Cells) -> Levels:
    return levels(cells.choices, cells.native, cells.spec.name)


def levels(choices: dict[str, list[str]], native: dict[str, str], adapter: str) -> Levels:
    """The settings' levels. Raises SweepError if a setting has more than two choices."""
    for name, options in choices.items():
        if len(options) > 2:
            raise SweepError(
                f"settings.{name} has {len(options)} choices in {adapter} ({', '.join(options)}), "
                f"and design 'fractional' takes two at most: leave out all but two, or use design 'factorial'"
            )
    return {name: sorted(options, key=lambda choice: choice != native[name]) for name, options in choices.items()}


def fraction_of(levels: Levels, resolution: int, foldover: bool) -> list[Configuration]:
    """The configurations of the settings' levels to run."""
    varying = _varying(levels)
    rows = fraction(len(varying), resolution)
    rows = folded(rows) if foldover else rows
    constant = {name: options[0] for name, options in levels.items()}
    return [
        constant | {name: levels[name][int(level > 0)] for name, level in zip(varying, row, strict=True)}
        for row in rows
    ]


def described(configurations: list[dict[str, str]], levels: Levels) -> Aliasing:
    """The aliasing of the configurations that are run (at least one), computed from them alone."""
    names = _varying(levels)
    signs = [
        [1 if configuration[name] == levels[name][1] else -1 for name in names] for configuration in configurations
    ]
    rows = np.array(signs, dtype=int)
    return Aliasing(resolution=resolution(rows), balanced=balanced(rows), aliases=aliases(rows, names))


def _varying(levels: Levels) -> list[str]:
    return [name for name, options in levels.items() if len(options) == 2]


def fraction(settings: int, resolution: int) -> np.ndarray:
    """The smallest regular fraction of at least this resolution that is found, otherwise every combination.

    Shape (rows, settings). It always has the row in which every setting is low.
    """
    import pyDOE3  # late: it imports much of SciPy, which takes seconds

    for base in range(settings.bit_length(), settings):
        found = [relation(settings, base, resolution, first) for first in range(resolution - 1, base + 1)]
        relations = [words for words in found if words]
        if relations:
            best = max(relations, key=_lengths)
            return np.asarray(pyDOE3.fracfact(_generator(best, settings, base)), dtype=int)
    return np.asarray(pyDOE3.ff2n(settings), dtype=int)


def _lengths(words: list[int]) -> list[int]:
    """The lengths of the words, the shortest first. The largest such list has the fewest short words."""
    return sorted(word.bit_count() for word in words[1:])


def relation(settings: int, base: int, resolution: int, first: int) -> list[int] | None:
    """A defining relation that makes each setting after the first `base` a product of those; None if none is found.

    The empty word is first. pyDOE3 takes the products in order (`fracfact_by_res`), but products of words can be too
    short. Here a product is taken only if all words of the relation stay long enough. Products of `first` settings are
    tried first.
    """
    words, made = [0], base
    for product in sorted(
        range(1 << base), key=lambda product: (product.bit_count() < first, product.bit_count(), product)
    ):
        if made == settings:
            break
        word = product | 1 << made
        if all((word ^ other).bit_count() >= resolution for other in words):
            words += [word ^ other for other in words]
            made += 1
    return words if made == settings else None


def _generator(words: list[int], settings: int, base: int) -> str:
    """The design in the notation of pyDOE3: "a b c d -abcd". The sign keeps the row in which every setting is low."""
    parts = list(ascii_lowercase[:base])
    for made in range(settings - base):
        product = "".join(
            letter for place, letter in enumerate(ascii_lowercase[:base]) if words[1 << made] >> place & 1
        )
        parts.append(product if len(product) % 2 else f"-{product}")
    return " ".join(parts)


def folded(rows: np.ndarray) -> np.ndarray:
    """The rows, and the rows with all levels reversed; each once."""
    return np.unique(np.vstack([rows, -rows]), axis=0)


def resolution(rows: np.ndarray) -> int | None:
    """The length of the shortest word; None without words: all combinations are there, or no effects are aliased."""
    count, settings = rows.shape
    if count == 1 << settings:
        return None
    words = (word for length in range(1, settings + 1) for word in combinations(range(settings), length))
    return next((len(word) for word in words if abs(rows[:, word].prod(axis=1).sum()) == count), None)


def balanced(rows: np.ndarray) -> bool:
    """Whether each setting is as often low as high, overall and within each level of every other setting."""
    columns = np.column_stack([np.ones(len(rows), dtype=int), rows])
    return np.array_equal(columns.T @ columns, len(rows) * np.eye(columns.shape[1], dtype=int))


def aliases(rows: np.ndarray, names: list[str]) -> list[list[str]]:
    """Groups of aliased effects: the mean, main effects ("init") and interactions of two settings ("init:loss").

    The rows determine only the sum or difference of the effects in a group. An effect in no group is not aliased with
    any of these.
    """
    groups: dict[bytes, list[str]] = {}
    for size in range(3):
        for effect in combinations(range(len(names)), size):
            column = rows[:, effect].prod(axis=1)
            alike = (column * column[0]).tobytes()  # up to its sign
            groups.setdefault(alike, []).append(":".join(names[place] for place in effect) or MEAN)
    return [group for group in groups.values() if len(group) > 1]
