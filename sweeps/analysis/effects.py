"""Effects: what a choice does to accuracy or time against a baseline, with simultaneous intervals. Pure functions.

Each framework's runs have linear models of their own (sweeps/analysis/linear_model.py); over all frameworks an effect is the mean of
theirs. The main effects of one metric in one framework are a family: its intervals cover all true effects together with
95 % (Bonferroni), and its p values are Holm's.
"""

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from sweeps.analysis import linear_model
from sweeps.analysis.linear_model import Estimate

CONFIDENCE = 0.95
ALL = "all"  # in place of an adapter: the mean of all that can be compared

# Metrics and how a difference is taken: accuracy in points, times as a per cent change of the geometric mean.
ACCURACY = "accuracy"
HEADLINE_TIME = "step_ms_median"
TIMES = (HEADLINE_TIME, "train_seconds", "total_seconds")
METRICS = (ACCURACY, *TIMES)

MATTERS, NEGLIGIBLE, UNDECIDED = "matters", "negligible", "undecided"
MANY = 1000  # blocks: more than anybody runs


class Effect(NamedTuple):
    """`choice` instead of `baseline`: points for accuracy, per cent for times.

    low, high: simultaneous 95 % interval of its family; None where the runs give none. p_value: Holm's, of no effect.
    verdict: matters | negligible | undecided; more_seeds: how many would decide it, None where none are needed or too many.
    """

    setting: str
    choice: str
    baseline: str
    metric: str
    adapter: str
    estimate: float
    low: float | None
    high: float | None
    n: int
    p_value: float | None = None
    verdict: str = UNDECIDED
    more_seeds: int | None = None

    @property
    def excludes_zero(self) -> bool:
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


class Key(NamedTuple):
    """Which comparison an estimate is of."""

    setting: str
    choice: str
    baseline: str


Fits = dict[
    str, dict[str, dict[Key, Estimate]]
]  # {metric: {adapter: {comparison: estimate}}}, on the scale of differences


def fits(runs: pd.DataFrame, natives: Mapping[str, Mapping[str, str]], varied: list[str], paired: bool) -> Fits:
    """What the runs say of every comparison in every framework.

    runs: one row a trial, with columns adapter, seed, outcome, one per setting, and the metrics. A diverged trial keeps the
    accuracy it ended with, which widens its framework's intervals, and has no time; a failed one has neither. natives:
    {adapter: {setting: choice}}. paired: whether each choice is compared alone, run by run: right where a design changes one
    setting at a time.
    """
    return {metric: _fits(runs, natives, varied, metric, paired) for metric in METRICS}


def effects(fitted: Fits, varied: list[str], smallest: Mapping[str, float]) -> list[Effect]:
    """Every main effect. smallest: the smallest effects that matter, of accuracy in points and of time in per cent."""
    found: list[Effect] = []
    for metric, mine in fitted.items():
        delta = smallest["accuracy" if metric == ACCURACY else "time"]
        families = {ALL: _overall(mine), **mine} if len(mine) > 1 else mine
        for adapter, family in families.items():
            found += _judged(adapter, metric, family, delta, len(mine) if adapter == ALL else 1)
    return sorted(found, key=lambda effect: (varied.index(effect.setting), METRICS.index(effect.metric)))


def _fits(
    runs: pd.DataFrame, natives: Mapping[str, Mapping[str, str]], varied: list[str], metric: str, paired: bool
) -> dict[str, dict[Key, Estimate]]:
    values = runs.assign(value=scale(runs, metric)).dropna(subset=["value"])
    fitted = {}
    for adapter, mine in values.groupby("adapter", sort=False):
        there = [name for name in varied if name in mine and mine[name].notna().all()]
        baselines = {name: baseline(mine[name], natives[str(adapter)].get(name)) for name in there}
        found = linear_model.estimates(mine[["seed", "value", *there]], baselines, paired)
        fitted[str(adapter)] = {Key(name, choice, baselines[name]): one for (name, choice), one in found.items()}
    return fitted


def baseline(column: pd.Series, native: str | None) -> str:
    """The native choice if it was run, else the first one that was."""
    return native if native is not None and (column == native).any() else str(column.iloc[0])


def scale(runs: pd.DataFrame, metric: str) -> pd.Series:
    """The scale on which differences are taken: points for accuracy, logarithms for times."""
    values = runs[metric] if metric in runs else pd.Series(np.nan, index=runs.index)
    if metric == ACCURACY:
        return 100.0 * values
    timed: pd.Series = np.log(values.where((runs["outcome"] == "completed") & (values > 0)))
    return timed


def _overall(fitted: dict[str, dict[Key, Estimate]]) -> dict[Key, Estimate]:
    """The mean effect of each comparison that at least two frameworks have."""
    keys = dict.fromkeys(key for found in fitted.values() for key in found)
    parts = {key: [found[key] for found in fitted.values() if key in found] for key in keys}
    return {key: linear_model.mean(mine) for key, mine in parts.items() if len(mine) > 1}


def _judged(adapter: str, metric: str, family: dict[Key, Estimate], delta: float, frameworks: int) -> Iterator[Effect]:
    """A family's effects with simultaneous intervals, adjusted p values and verdicts. A seed is a block in each framework."""
    known = [key for key, estimate in family.items() if estimate.df > 0]
    adjusted = dict(zip(known, holm([p_value(family[key]) for key in known]), strict=True))
    edges = _edges(metric, delta)
    for key, estimate in family.items():
        found = bounds(estimate, 1 - (1 - CONFIDENCE) / max(1, len(known)))
        verdict, blocks = _verdict(estimate, *found, edges)
        yield Effect(
            key.setting,
            key.choice,
            key.baseline,
            metric,
            adapter,
            back(estimate.value, metric),
            *bounds_back(found, metric),
            estimate.n,
            adjusted.get(key),
            verdict,
            None if blocks is None else math.ceil(blocks / frameworks),
        )


def holm(p_values: list[float]) -> list[float]:
    """Adjusted p values. Not statsmodels' multipletests: it collects Python's garbage each time, a hundred times the work."""
    order = np.argsort(p_values)
    multiplied = np.array(p_values)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(multiplied))
    return [float(p_value) for p_value in adjusted]


def p_value(estimate: Estimate) -> float:
    """Two-sided, of no effect."""
    if estimate.error == 0:
        return float(estimate.value == 0)
    return float(2 * stats.t.sf(abs(estimate.value / estimate.error), estimate.df))


Bounds = tuple[float | None, float | None]  # None where the runs give none


def bounds(estimate: Estimate, confidence: float) -> Bounds:
    """The t interval of an estimate; (None, None) where there is nothing to judge its error by."""
    if estimate.df <= 0:
        return None, None
    half = float(stats.t.isf((1 - confidence) / 2, estimate.df)) * estimate.error
    return estimate.value - half, estimate.value + half


def _edges(metric: str, delta: float) -> tuple[float, float]:
    """The effects between which nothing matters, on the scale of the estimates."""
    return (-delta, delta) if metric == ACCURACY else (-math.log1p(delta / 100), math.log1p(delta / 100))


def _verdict(
    estimate: Estimate, low: float | None, high: float | None, edges: tuple[float, float]
) -> tuple[str, int | None]:
    """The verdict, and how many more blocks would decide it: None where none are needed, or too many.

    Matters: the interval lies beyond an edge. Negligible: the effect is between them by both one-sided tests (TOST).
    """
    if low is None or high is None:
        return UNDECIDED, None
    lower, upper = edges
    if low > upper or high < lower:
        return MATTERS, None
    inner = bounds(estimate, 2 * CONFIDENCE - 1)  # two tests of 5 % are one interval of 90 %
    if inner[0] is not None and inner[1] is not None and lower < inner[0] and inner[1] < upper:
        return NEGLIGIBLE, None
    distance = min(abs(estimate.value - edge) for edge in edges)
    reach = (high - low) / 2 / distance if distance else math.inf
    needed = math.ceil(estimate.n * min(reach, MANY) ** 2)
    return UNDECIDED, max(1, needed - estimate.n) if needed < MANY else None


def back(value: float, metric: str) -> float:
    """From the scale of differences to points or per cent."""
    return float(value if metric == ACCURACY else 100.0 * np.expm1(value))


def bounds_back(bounds: Bounds, metric: str) -> Bounds:
    """The same of an interval's bounds."""
    low, high = bounds
    return None if low is None else back(low, metric), None if high is None else back(high, metric)


Interval = tuple[float, float | None, float | None]  # a mean and its bounds


def mean_interval(values: np.ndarray) -> Interval:
    """Mean of one sample and its t interval; none from a single value."""
    mean = float(values.mean())
    if len(values) < 2:
        return mean, None, None
    if np.ptp(values) < 1e-12:  # scipy has no interval for a sample without spread
        return mean, mean, mean
    found = stats.ttest_1samp(values, 0.0).confidence_interval(CONFIDENCE)
    return mean, float(found.low), float(found.high)


def mean_back(differences: np.ndarray, metric: str) -> Interval:
    """Mean of differences and its t interval, in points or per cent."""
    value, *found = mean_interval(differences)
    return back(value, metric), *bounds_back((found[0], found[1]), metric)
