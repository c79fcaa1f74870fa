"""Power: how small an effect a plan can see, and how many seeds a wanted effect needs. Pure functions.

In units of the deviation of a single run from its block and its settings, where that is not known.
"""

import bisect
from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import optimize, stats

from adapters import load_spec
from sweeps.analysis import linear_model
from sweeps.analysis.effects import CONFIDENCE, PAIRED, baseline
from sweeps.planning.planner import Plan

POWER = 0.8  # how often an effect that is there is to be found
MOST_SEEDS = 200


def of_plan(
    plan: Plan, deviations: Mapping[str, float] | None = None, effect: float | None = None
) -> dict[str, dict[str, float | int | None]]:
    """{adapter: {"smallest_effect", "seeds_needed", "deviation"}} of a plan whose rows are compared; the weakest of its effects counts.

    deviations: {adapter: of one of its runs by its seed, in points}. smallest_effect: found with 80 %, in points, or in
    deviations where that is not known (None); None where the plan leaves no error to judge it by. seeds_needed: for `effect` in
    the same unit; None where none is given, or 200 seeds are not enough.
    """
    found: dict[str, dict[str, float | int | None]] = {}
    for adapter in plan.sweep.adapters if plan.sweep.design not in ("search", "presets") else []:
        rows, baselines = _block(plan, adapter)
        paired, known = plan.sweep.design == PAIRED, (deviations or {}).get(adapter)
        sizes = smallest_effects(rows, baselines, len(plan.sweep.seed_list), paired, known or 1.0).values()
        if sizes:
            smallest = None if max(sizes) == np.inf else max(sizes)
            needed = seeds_needed(rows, baselines, effect, paired, known or 1.0) if effect else None
            found[adapter] = {"smallest_effect": smallest, "seeds_needed": needed, "deviation": known}
    return found


def _block(plan: Plan, adapter: str) -> tuple[pd.DataFrame, dict[str, str]]:
    """The rows of one of the adapter's blocks, and the baselines of the settings that vary in them."""
    first = [trial for trial in plan.trials if (trial.adapter, trial.seed) == (adapter, plan.sweep.seed_list[0])]
    rows = pd.DataFrame([trial.configuration for trial in first])
    native = load_spec(adapter).native(plan.sweep.workload.resolve().model)
    return rows, {name: baseline(rows[name], native[name]) for name in map(str, rows) if rows[name].nunique() > 1}


def smallest_effects(
    rows: pd.DataFrame, baselines: dict[str, str], seeds: int, paired: bool, deviation: float = 1.0
) -> dict[linear_model.Column, float]:
    """{effect: the smallest true size that is found with 80 %, its family's multiplicity paid}; infinite without an error.

    rows: the rows of one block: one column per setting of `baselines`.
    """
    found = errors(rows, baselines, seeds, paired, deviation)
    alpha = (1 - CONFIDENCE) / max(1, len(found))
    return {column: _smallest(error, df, alpha) for column, (error, df) in found.items()}


def seeds_needed(
    rows: pd.DataFrame, baselines: dict[str, str], effect: float, paired: bool, deviation: float = 1.0
) -> int | None:
    """How many seeds find every effect of this size with 80 %; None where more than 200 would be needed."""

    def enough(seeds: int) -> bool:
        return max(smallest_effects(rows, baselines, seeds, paired, deviation).values(), default=np.inf) <= effect

    needed = 1 + bisect.bisect_left(range(1, MOST_SEEDS + 1), True, key=enough)
    return needed if needed <= MOST_SEEDS else None


def errors(
    rows: pd.DataFrame, baselines: dict[str, str], seeds: int, paired: bool, deviation: float
) -> dict[linear_model.Column, tuple[float, int]]:
    """{effect: (standard error, degrees of freedom)} that a plan will have."""
    runs = pd.concat([rows.assign(seed=seed) for seed in range(seeds)], ignore_index=True)
    found: dict[linear_model.Column, tuple[float, int]] = {}
    for part in linear_model.parts(runs, baselines, paired):
        _, places, covariance, df = linear_model.model(*part)
        found |= {
            column: (deviation * float(np.sqrt(covariance[place, place])), df) for column, place in places.items()
        }
    return found


def power(effect: float, error: float, df: int, alpha: float) -> float:
    """How often a two-sided t test at level `alpha` finds a true effect."""
    critical, shift = stats.t.isf(alpha / 2, df), effect / error
    found = float(
        stats.nct.sf(critical, df, shift) + stats.nct.sf(critical, df, -shift)
    )  # its cdf far below is at times no number
    return 1.0 if np.isnan(found) else found  # nor is this where an effect can't be missed


def _smallest(error: float, df: int, alpha: float) -> float:
    if df <= 0:
        return np.inf
    most = error * (2 * float(stats.t.isf(alpha / 2, df)) + 5)  # found for certain
    return float(optimize.brentq(lambda effect: power(effect, error, df, alpha) - POWER, 0.0, most))
