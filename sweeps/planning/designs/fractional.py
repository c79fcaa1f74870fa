"""Fractional: a part of all combinations of two-choice settings, and the effects that it can't tell apart.

Levels are {setting: [low, high]}, the default choice low; a setting with one choice does not vary. Rows are arrays of -1
(low) and +1 (high), shape (rows, settings). A word is a set of settings, as the bits of a number, whose levels multiply to
the same sign in every row. All words of a design are its defining relation; the shortest is its resolution.
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

MEAN = "mean"  # of all rows; a setting that never changes can't be told from it


class Fractional(Design):
    """Main effects of many settings from few runs; some interactions are aliased with them or with each other."""

    name = "fractional"
    summary = "For many settings of two choices: a fraction of the combinations, 32 of 512 for nine settings."

    class Options(NoOptions):
        resolution: Literal[3, 4, 5] = Field(
            4,
            description="The least resolution wanted; from 4 on no main effect is aliased with a two-setting interaction.",
        )
        foldover: bool = Field(False, description="Run the rows with all choices reversed too.")

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
    """The settings' levels. Raises SweepError where a setting has more than two choices."""
    for name, options in choices.items():
        if len(options) > 2:
            raise SweepError(
                f"settings.{name} has {len(options)} choices in {adapter} ({', '.join(options)}), and design 'fractional' takes two "
                f"at most: leave out all but two, or take design 'factorial'"
            )
    return {name: sorted(options, key=lambda choice: choice != native[name]) for name, options in choices.items()}


def fraction_of(levels: Levels, resolution: int, foldover: bool) -> list[Configuration]:
    """The choices to run of the settings that have levels."""
    varying = _varying(levels)
    rows = fraction(len(varying), resolution)
    rows = folded(rows) if foldover else rows
    constant = {name: options[0] for name, options in levels.items()}
    return [
        constant | {name: levels[name][int(level > 0)] for name, level in zip(varying, row, strict=True)}
        for row in rows
    ]


def described(configurations: list[dict[str, str]], levels: Levels) -> Aliasing:
    """What a plan says of the configurations that are really run (at least one), whatever they were generated from."""
    names = _varying(levels)
    signs = [
        [1 if configuration[name] == levels[name][1] else -1 for name in names] for configuration in configurations
    ]
    rows = np.array(signs, dtype=int)
    return Aliasing(resolution=resolution(rows), balanced=balanced(rows), aliases=aliases(rows, names))


def _varying(levels: Levels) -> list[str]:
    return [name for name, options in levels.items() if len(options) == 2]


def fraction(settings: int, resolution: int) -> np.ndarray:
    """The smallest regular fraction of at least this resolution that we find, else every combination; (rows, settings).

    The row in which everything is low is always in it.
    """
    import pyDOE3  # which imports half of scipy: seconds

    for base in range(settings.bit_length(), settings):
        found = [relation(settings, base, resolution, first) for first in range(resolution - 1, base + 1)]
        relations = [words for words in found if words]
        if relations:
            best = max(relations, key=_lengths)
            return np.asarray(pyDOE3.fracfact(_generator(best, settings, base)), dtype=int)
    return np.asarray(pyDOE3.ff2n(settings), dtype=int)


def _lengths(words: list[int]) -> list[int]:
    """How long the words are, the shortest first: the largest such list has the fewest short words, and aliases the least."""
    return sorted(word.bit_count() for word in words[1:])


def relation(settings: int, base: int, resolution: int, first: int) -> list[int] | None:
    """The defining relation, the empty word first, that makes every setting after the first `base` a product of those; or None.

    pyDOE3 takes the products in order (`fracfact_by_res`), and words that are long enough have products that are too short:
    here each product is taken only if the whole relation stays long enough. Products of `first` settings are tried first.
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
    """pyDOE3's way to write a design: "a b c d -abcd" (the sign keeps the row in which everything is low)."""
    parts = list(ascii_lowercase[:base])
    for made in range(settings - base):
        product = "".join(
            letter for place, letter in enumerate(ascii_lowercase[:base]) if words[1 << made] >> place & 1
        )
        parts.append(product if len(product) % 2 else f"-{product}")
    return " ".join(parts)


def folded(rows: np.ndarray) -> np.ndarray:
    """The rows and their mirror images, all levels reversed; each row once."""
    return np.unique(np.vstack([rows, -rows]), axis=0)


def resolution(rows: np.ndarray) -> int | None:
    """Length of the shortest word; None where there is none: every combination is there, or nothing is aliased."""
    count, settings = rows.shape
    if count == 1 << settings:
        return None
    words = (word for length in range(1, settings + 1) for word in combinations(range(settings), length))
    return next((len(word) for word in words if abs(rows[:, word].prod(axis=1).sum()) == count), None)


def balanced(rows: np.ndarray) -> bool:
    """Whether each setting is as often low as high, and so within each level of every other."""
    columns = np.column_stack([np.ones(len(rows), dtype=int), rows])
    return np.array_equal(columns.T @ columns, len(rows) * np.eye(columns.shape[1], dtype=int))


def aliases(rows: np.ndarray, names: list[str]) -> list[list[str]]:
    """The mean, effects ("init") and two-factor interactions ("init:loss") of which the rows show only the sum or difference.

    Each list holds effects that can't be told from each other; an effect that is in none stands alone among them.
    """
    groups: dict[bytes, list[str]] = {}
    for size in range(3):
        for effect in combinations(range(len(names)), size):
            column = rows[:, effect].prod(axis=1)
            alike = (column * column[0]).tobytes()  # up to its sign
            groups.setdefault(alike, []).append(":".join(names[place] for place in effect) or MEAN)
    return [group for group in groups.values() if len(group) > 1]
