"""Divergence: how often a choice's runs diverge, beside the baseline's. A proportion, and no run is dropped. Pure functions."""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from experiments.trial import COMPLETED, DIVERGED
from sweeps.effects import ALL, baseline, holm


class Divergence(NamedTuple):
    """Runs that diverged with a choice and with the baseline, over everything else that varies.

    estimate, low, high: the difference of the two proportions in points, with Newcombe's 95 % interval.
    p_value: Fisher's exact test, by Holm over all of the sweep's.
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


def divergences(runs: pd.DataFrame, natives: Mapping[str, Mapping[str, str]], varied: list[str]) -> list[Divergence]:
    """Every comparison in which a run diverged, framework by framework and over all. runs: as for effects.effects."""
    ended = runs[runs["outcome"].isin([COMPLETED, DIVERGED])]
    found: list[tuple[tuple[str, str, str, str], tuple[int, int, int, int]]] = []
    for name in varied:
        if name in ended:
            found += _of_setting(ended.dropna(subset=[name]), natives, name)
    counted = [(place, counts) for place, counts in found if counts[0] + counts[2]]
    adjusted = holm([_fisher(*counts) for _, counts in counted])
    return [_judged(place, counts, p) for (place, counts), p in zip(counted, adjusted, strict=True)]


def _of_setting(
    runs: pd.DataFrame, natives: Mapping[str, Mapping[str, str]], name: str
) -> list[tuple[tuple[str, str, str, str], tuple[int, int, int, int]]]:
    """[((setting, choice, baseline, adapter), counts)]"""
    found: dict[tuple[str, str, str, str], tuple[int, int, int, int]] = {}
    for adapter, mine in runs.groupby("adapter", sort=False):
        own = baseline(mine[name], natives[str(adapter)].get(name))
        for choice in sorted(set(mine[name]) - {own}):
            counts = (*_counts(mine, name, choice), *_counts(mine, name, own))
            found[name, choice, own, str(adapter)] = counts
            place = (name, choice, own, ALL)
            found[place] = tuple(map(sum, zip(counts, found.get(place, (0, 0, 0, 0)), strict=True)))  # type: ignore[assignment]
    alone = runs["adapter"].nunique() < 2
    return [(place, counts) for place, counts in found.items() if not (alone and place[3] == ALL)]


def _counts(runs: pd.DataFrame, name: str, choice: str) -> tuple[int, int]:
    mine = runs[runs[name] == choice]
    return int((mine["outcome"] == DIVERGED).sum()), len(mine)


def _fisher(diverged: int, runs: int, diverged_baseline: int, runs_baseline: int) -> float:
    table = [[diverged, runs - diverged], [diverged_baseline, runs_baseline - diverged_baseline]]
    return float(stats.fisher_exact(table).pvalue)


def _judged(place: tuple[str, str, str, str], counts: tuple[int, int, int, int], p_value: float) -> Divergence:
    low, high = confint_proportions_2indep(*counts, method="newcomb")
    estimate = counts[0] / counts[1] - counts[2] / counts[3]
    return Divergence(*place, *counts, 100 * estimate, 100 * float(low), 100 * float(high), p_value)
