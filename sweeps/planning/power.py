"""Power: the smallest effect that a plan can detect, and how many seeds a wanted effect needs. Pure functions."""

import bisect
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import optimize, stats

from sweeps.analysis import linear_model
from sweeps.analysis.effects import CONFIDENCE, baseline
from sweeps.planning.plan import Plan

POWER = 0.8  # the probability of detecting a true effect
MOST_SEEDS = 200


class Power(NamedTuple):
    """The power of a plan in one adapter, for the effect with the largest standard error.

    smallest_effect: minimum detectable effect at 80 % power, in percentage points, or in standard deviations of a run
    if `deviation` is unknown; None without residual degrees of freedom. seeds_needed: for a given effect in the same
    unit; None without one, or if 200 seeds are not enough. deviation: standard deviation of accuracy across seeds, in
    percentage points.
    """

    smallest_effect: float | None
    seeds_needed: int | None
    deviation: float | None


def of_plan(plan: Plan, deviations: Mapping[str, float], effect: float | None = None) -> dict[str, Power]:
    """{adapter: its power}; empty if the plan compares no settings. deviations: {adapter: see Power.deviation}."""
    found: dict[str, Power] = {}
    paired = plan.estimator == "paired"
    for adapter in plan.adapters if plan.estimator != "none" else []:
        rows, baselines = _block(plan, adapter)
        known = deviations.get(adapter)
        sizes = smallest_effects(rows, baselines, len(plan.seeds), paired, known or 1.0).values()
        if sizes:
            smallest = None if max(sizes) == np.inf else max(sizes)
            needed = seeds_needed(rows, baselines, effect, paired, known or 1.0) if effect else None
            found[adapter] = Power(smallest, needed, known)
    return found


def _block(plan: Plan, adapter: str) -> tuple[pd.DataFrame, dict[str, str]]:
    """The rows of one of the adapter's blocks, and the baselines of the settings that vary in them."""
    first = [trial for trial in plan.trials if (trial.adapter, trial.seed) == (adapter, plan.seeds[0])]
    rows = pd.DataFrame([trial.settings for trial in first if not trial.repeat])
    native = plan.natives[adapter]
    return rows, {name: baseline(rows[name], native[name]) for name in map(str, rows) if rows[name].nunique() > 1}


def smallest_effects(
    rows: pd.DataFrame, baselines: dict[str, str], seeds: int, paired: bool, deviation: float = 1.0
) -> dict[linear_model.Column, float]:
    """{effect: minimum detectable size at 80 % power}; infinite without residual degrees of freedom.

    The level is adjusted for the family of effects. rows: of one block, with one column per setting of `baselines`.
    """
    found = errors(rows, baselines, seeds, paired, deviation)
    alpha = (1 - CONFIDENCE) / max(1, len(found))
    return {column: _smallest(error, df, alpha) for column, (error, df) in found.items()}


def seeds_needed(
    rows: pd.DataFrame, baselines: dict[str, str], effect: float, paired: bool, deviation: float = 1.0
) -> int | None:
    """The number of seeds that detect every effect of this size with 80 % power; None for more than 200."""

    def enough(seeds: int) -> bool:
        return max(smallest_effects(rows, baselines, seeds, paired, deviation).values(), default=np.inf) <= effect

    needed = 1 + bisect.bisect_left(range(1, MOST_SEEDS + 1), True, key=enough)
    return needed if needed <= MOST_SEEDS else None


def errors(
    rows: pd.DataFrame, baselines: dict[str, str], seeds: int, paired: bool, deviation: float
) -> dict[linear_model.Column, tuple[float, int]]:
    """{effect: (standard error, degrees of freedom)} of a plan."""
    runs = pd.concat([rows.assign(seed=seed) for seed in range(seeds)], ignore_index=True)
    found: dict[linear_model.Column, tuple[float, int]] = {}
    for part in linear_model.parts(runs, baselines, paired):
        _, places, covariance, df = linear_model.model(*part)
        found |= {
            column: (deviation * float(np.sqrt(covariance[place, place])), df) for column, place in places.items()
        }
    return found


def power(effect: float, error: float, df: int, alpha: float) -> float:
    """The probability that a two-sided t test at level `alpha` detects a true effect."""
    critical, shift = stats.t.isf(alpha / 2, df), effect / error
    # The survival function: the noncentral t distribution's cdf can be NaN in its lower tail.
    found = float(stats.nct.sf(critical, df, shift) + stats.nct.sf(critical, df, -shift))
    return 1.0 if np.isnan(found) else found  # NaN if the effect is certain to be detected


def _smallest(error: float, df: int, alpha: float) -> float:
    if df <= 0:
        return np.inf
    most = error * (2 * float(stats.t.isf(alpha / 2, df)) + 5)  # detected with certainty
    return float(optimize.brentq(lambda effect: power(effect, error, df, alpha) - POWER, 0.0, most))
