"""Divergence: the proportion of runs that diverge with a choice, compared with the baseline. Pure functions."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from experiments.trials.trial import DIVERGED, TRAINED
from sweeps.analysis.effects import ALL, Key, baseline, holm


class Divergence(NamedTuple):
    """The runs that diverged with a choice and with the baseline, over all choices of the other settings.

    estimate, low, high: the difference of the two proportions in percentage points, with Newcombe's 95 % confidence
    interval. p_value: of Fisher's exact test, adjusted by Holm's method over the whole sweep.
    """

    setting: str
    choice: str
    baseline: str
    adapter: str
    diverged: int
    runs: int
    diverged_baseline: int
    runs_baseline: int
    estimate: float
    low: float
    high: float
    p_value: float


def divergences(runs: pd.DataFrame, defaults: Mapping[str, Mapping[str, str]], varied: list[str]) -> list[Divergence]:
    """Every comparison in which a run diverged, for each adapter and over all. runs: as for effects.fits."""
    ended = runs[runs["outcome"].isin(TRAINED)]
    if not (ended["outcome"] == DIVERGED).any():
        return []
    found: dict[tuple[Key, str], np.ndarray] = {}
    for name in varied:
        if name in ended:
            found |= _of_setting(ended.dropna(subset=[name]), defaults, name)
    if ended["adapter"].nunique() > 1:
        for key in dict.fromkeys(key for key, _ in found):
            found[key, ALL] = np.sum([counts for (other, _), counts in found.items() if other == key], axis=0)
    counted = {place: counts for place, counts in found.items() if counts[0] + counts[2]}
    adjusted = holm([_fisher(*counts) for counts in counted.values()])
    return [_judged(place, counts, p) for (place, counts), p in zip(counted.items(), adjusted, strict=True)]


def _of_setting(
    runs: pd.DataFrame, defaults: Mapping[str, Mapping[str, str]], name: str
) -> dict[tuple[Key, str], np.ndarray]:
    """{(comparison, adapter): diverged runs and all runs of the choice, then of the baseline}."""
    found = {}
    for adapter, mine in runs.groupby("adapter", sort=False):
        own = baseline(mine[name], defaults[str(adapter)].get(name))
        for choice in sorted(set(mine[name]) - {own}):
            found[Key(name, choice, own), str(adapter)] = np.array(
                [*_counts(mine, name, choice), *_counts(mine, name, own)]
            )
    return found


def _counts(runs: pd.DataFrame, name: str, choice: str) -> tuple[int, int]:
    mine = runs[runs[name] == choice]
    return int((mine["outcome"] == DIVERGED).sum()), len(mine)


def _fisher(diverged: int, runs: int, diverged_baseline: int, runs_baseline: int) -> float:
    table = [[diverged, runs - diverged], [diverged_baseline, runs_baseline - diverged_baseline]]
    return float(stats.fisher_exact(table).pvalue)


def _judged(place: tuple[Key, str], counts: np.ndarray, p_value: float) -> Divergence:
    key, adapter = place
    diverged, runs, diverged_baseline, runs_baseline = map(int, counts)
    low, high = confint_proportions_2indep(diverged, runs, diverged_baseline, runs_baseline, method="newcomb")
    return Divergence(
        *key,
        adapter,
        diverged,
        runs,
        diverged_baseline,
        runs_baseline,
        100 * (diverged / runs - diverged_baseline / runs_baseline),
        100 * float(low),
        100 * float(high),
        p_value,
    )
