"""Noise: run-to-run variation, and how much variance pairing by seed removes. Pure functions."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from sweeps.analysis.effects import ACCURACY, CONFIDENCE, HEADLINE_TIME, Interval, reported_mean, scale


class Pairing(NamedTuple):
    """The correlation of an adapter's runs with the same seed, over its configurations.

    correlation, low, high: the intraclass correlation ICC(3,1) of Shrout and Fleiss (1979) with its 95 % confidence
    interval. A comparison within seeds has 1 - correlation times the variance of a comparison between seeds.
    """

    adapter: str
    seeds: int
    configurations: int
    correlation: float
    low: float
    high: float


def pairings(runs: pd.DataFrame, varied: list[str]) -> list[Pairing]:
    """The pairing of every adapter with at least two complete blocks of at least two configurations."""
    found = []
    for adapter, mine in runs.groupby("adapter", sort=False):
        names = [name for name in varied if name in mine]
        if not names or ACCURACY not in mine:
            continue
        cells = mine.assign(row=mine[names].astype(str).agg(" ".join, axis=1)).pivot_table(ACCURACY, "seed", "row")
        whole = cells.dropna().to_numpy(float)
        if min(whole.shape) > 1:
            found.append(Pairing(str(adapter), *whole.shape, *intraclass(whole)))
    return found


def intraclass(cells: np.ndarray) -> tuple[float, float, float]:
    """ICC(3,1) and its confidence interval. cells: shape (seeds, configurations)."""
    n, k = cells.shape
    rows, columns, all_ = cells.mean(axis=1), cells.mean(axis=0), cells.mean()
    between = k * np.sum((rows - all_) ** 2) / (n - 1)
    residual = np.sum((cells - rows[:, None] - columns + all_) ** 2) / ((n - 1) * (k - 1))
    if residual == 0:
        return (1.0, 1.0, 1.0) if between else (0.0, 0.0, 0.0)
    dfs = (n - 1, (n - 1) * (k - 1))
    tail = (1 - CONFIDENCE) / 2
    ratios = between / residual * np.array([1.0, 1.0 / stats.f.isf(tail, *dfs), stats.f.isf(tail, *dfs[::-1])])
    value, low, high = (ratios - 1) / (ratios + k - 1)
    return float(value), float(low), float(high)


class Repetition(NamedTuple):
    """An adapter's A/A arm: pairs of runs with the same configuration and seed, whose true difference is zero.

    deviation: standard deviation of a run's accuracy across repetitions, in percentage points. accuracy, time: the mean
    difference between second and first run with its 95 % confidence interval (None with one pair), in percentage points
    of accuracy and in percent of the step time. Diverged runs have no time.
    """

    adapter: str
    pairs: int
    deviation: float
    accuracy: Interval
    time: Interval | None

    @property
    def false_findings(self) -> list[bool]:
        """Whether the confidence interval excludes zero, for each difference that has an interval."""
        intervals = [interval for interval in (self.accuracy, self.time) if interval]
        return [low > 0 or high < 0 for _, low, high in intervals if low is not None and high is not None]


def repetitions(runs: pd.DataFrame) -> list[Repetition]:
    """The A/A arm of every adapter. runs: with the columns trial and repeats (the trial that a run repeats, or "")."""
    if "repeats" not in runs:
        return []
    scaled = runs[["adapter", "trial", "repeats"]].assign(
        **{metric: scale(runs, metric) for metric in (ACCURACY, HEADLINE_TIME)}
    )
    pairs = scaled[scaled["repeats"] != ""].merge(scaled, left_on="repeats", right_on="trial", suffixes=("", "_first"))
    found = []
    for adapter, mine in pairs.groupby("adapter", sort=False):
        accuracy, time = (_differences(mine, metric) for metric in (ACCURACY, HEADLINE_TIME))
        if len(accuracy):
            deviation = float(np.sqrt(np.mean(accuracy**2) / 2))
            timed = reported_mean(time, HEADLINE_TIME) if len(time) else None
            found.append(Repetition(str(adapter), len(accuracy), deviation, reported_mean(accuracy, ACCURACY), timed))
    return found


def _differences(pairs: pd.DataFrame, metric: str) -> np.ndarray:
    difference: np.ndarray = (pairs[metric] - pairs[f"{metric}_first"]).dropna().to_numpy(float)
    return difference
