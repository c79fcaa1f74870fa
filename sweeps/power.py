"""Power: how small an effect a plan can see, and how many seeds a wanted effect needs. Pure functions.

In units of the deviation of a single run from its block and its settings, unless that is given.
"""

import bisect

import numpy as np
import pandas as pd
from scipy import optimize, stats

from sweeps import linear
from sweeps.effects import CONFIDENCE

POWER = 0.8  # how often an effect that is there is to be found
MOST_SEEDS = 200


def smallest_effects(rows: pd.DataFrame, baselines: dict[str, str], seeds: int, deviation: float = 1.0) -> dict[linear.Column, float]:
    """{effect: the smallest true size that is found with 80 %, its family's multiplicity paid}; infinite without an error.

    rows: the rows of one block: one column per setting of `baselines`.
    """
    found = errors(rows, baselines, seeds, deviation)
    alpha = (1 - CONFIDENCE) / max(1, len(found))
    return {column: _smallest(error, df, alpha) for column, (error, df) in found.items()}


def seeds_needed(rows: pd.DataFrame, baselines: dict[str, str], effect: float, deviation: float = 1.0) -> int | None:
    """How many seeds find every effect of this size with 80 %; None where more than 200 would be needed."""
    def enough(seeds: int) -> bool:
        return max(smallest_effects(rows, baselines, seeds, deviation).values(), default=np.inf) <= effect

    needed = 1 + bisect.bisect_left(range(1, MOST_SEEDS + 1), True, key=enough)
    return needed if needed <= MOST_SEEDS else None


def errors(rows: pd.DataFrame, baselines: dict[str, str], seeds: int, deviation: float) -> dict[linear.Column, tuple[float, int]]:
    """{effect: (standard error, degrees of freedom)} that a plan will have."""
    runs = pd.concat([rows.assign(seed=seed) for seed in range(seeds)], ignore_index=True)
    matrix, places = linear.model(runs, baselines)
    covariance = np.linalg.pinv(matrix.T @ matrix)
    df = len(runs) - int(np.linalg.matrix_rank(matrix))
    return {column: (deviation * float(np.sqrt(covariance[place, place])), df) for column, place in places.items()}


def power(effect: float, error: float, df: int, alpha: float) -> float:
    """How often a two-sided t test at level `alpha` finds a true effect."""
    critical, shift = stats.t.isf(alpha / 2, df), effect / error
    found = float(stats.nct.sf(critical, df, shift) + stats.nct.cdf(-critical, df, shift))
    return 1.0 if np.isnan(found) else found  # scipy gives up where an effect can't be missed


def _smallest(error: float, df: int, alpha: float) -> float:
    if df <= 0:
        return np.inf
    most = error * (2 * float(stats.t.isf(alpha / 2, df)) + 5)  # found for certain
    return float(optimize.brentq(lambda effect: power(effect, error, df, alpha) - POWER, 0.0, most))
