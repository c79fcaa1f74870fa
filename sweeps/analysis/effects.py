"""Effects of settings on accuracy and time, with simultaneous confidence intervals. Pure functions.

Each adapter has linear models of its own (sweeps/analysis/linear_model.py). An effect over all adapters is the mean of
their effects. The main effects of one metric in one adapter are a family: its 95 % confidence intervals are
simultaneous (Bonferroni), and its p values are adjusted by Holm's method.
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
ALL = "all"  # in place of an adapter's name: the mean over adapters

# Differences of accuracy are in percentage points; those of times are percent changes of the geometric mean.
ACCURACY = "accuracy"
HEADLINE_TIME = "step_ms_median"
TIMES = (HEADLINE_TIME, "train_seconds", "total_seconds")
METRICS = (ACCURACY, *TIMES)

MATTERS, NEGLIGIBLE, UNDECIDED = "matters", "negligible", "undecided"
MANY = 1000  # blocks; so many are never run


class Effect(NamedTuple):
    """The effect of `choice` instead of `baseline`, in percentage points of accuracy or in percent of time.

    low, high: simultaneous 95 % confidence interval; None without residual degrees of freedom. n: blocks with both
    choices. p_value: of the hypothesis of no effect, adjusted by Holm's method. verdict: matters | negligible |
    undecided. more_seeds: additional seeds for a verdict; None where none or too many are needed.
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
    """A comparison: one choice of a setting with the baseline."""

    setting: str
    choice: str
    baseline: str


# {metric: {adapter: {comparison: estimate}}}, on the scale of the differences.
Fits = dict[str, dict[str, dict[Key, Estimate]]]


def fits(runs: pd.DataFrame, defaults: Mapping[str, Mapping[str, str]], varied: list[str], paired: bool) -> Fits:
    """The estimate of every comparison in every adapter.

    runs: one row per trial, with the columns adapter, seed, outcome, one per setting, and the metrics. A diverged trial
    has its final accuracy, which widens the adapter's intervals, and no time; a failed trial has neither. defaults:
    {adapter: {setting: default choice}}. paired: whether each choice is compared with the baseline alone, by paired
    differences, as for designs that change one setting at a time.
    """
    return {metric: _fits(runs, defaults, varied, metric, paired) for metric in METRICS}


def effects(fitted: Fits, varied: list[str], smallest: Mapping[str, float]) -> list[Effect]:
    """Every main effect. smallest: the smallest that matters: {"accuracy": percentage points, "time": percent}."""
    found: list[Effect] = []
    for metric, mine in fitted.items():
        delta = smallest["accuracy" if metric == ACCURACY else "time"]
        families = {ALL: _overall(mine), **mine} if len(mine) > 1 else mine
        for adapter, family in families.items():
            found += _judged(adapter, metric, family, delta, len(mine) if adapter == ALL else 1)
    return sorted(found, key=lambda effect: (varied.index(effect.setting), METRICS.index(effect.metric)))


def _fits(
    runs: pd.DataFrame, defaults: Mapping[str, Mapping[str, str]], varied: list[str], metric: str, paired: bool
) -> dict[str, dict[Key, Estimate]]:
    values = runs.assign(value=scale(runs, metric)).dropna(subset=["value"])
    fitted = {}
    for adapter, mine in values.groupby("adapter", sort=False):
        there = [name for name in varied if name in mine and mine[name].notna().all()]
        baselines = {name: baseline(mine[name], defaults[str(adapter)].get(name)) for name in there}
        found = linear_model.estimates(mine[["seed", "value", *there]], baselines, paired)
        fitted[str(adapter)] = {Key(name, choice, baselines[name]): one for (name, choice), one in found.items()}
    return fitted


def baseline(column: pd.Series, default: str | None) -> str:
    """The default choice if it was run, otherwise the first choice."""
    return default if default is not None and (column == default).any() else str(column.iloc[0])


def scale(runs: pd.DataFrame, metric: str) -> pd.Series:
    """A metric on the scale of the differences: percentage points for accuracy, logarithms for times."""
    values = runs[metric] if metric in runs else pd.Series(np.nan, index=runs.index)
    if metric == ACCURACY:
        return 100.0 * values
    timed: pd.Series = np.log(values.where((runs["outcome"] == "completed") & (values > 0)))
    return timed


def _overall(fitted: dict[str, dict[Key, Estimate]]) -> dict[Key, Estimate]:
    """The mean effect of each comparison that at least two adapters have."""
    keys = dict.fromkeys(key for found in fitted.values() for key in found)
    parts = {key: [found[key] for found in fitted.values() if key in found] for key in keys}
    return {key: linear_model.mean(mine) for key, mine in parts.items() if len(mine) > 1}


def _judged(adapter: str, metric: str, family: dict[Key, Estimate], delta: float, adapters: int) -> Iterator[Effect]:
    """A family's effects. adapters: the number of adapters in the family's means; each of their seeds is a block."""
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
            to_reported_scale(estimate.value, metric),
            *reported_bounds(found, metric),
            estimate.n,
            adjusted.get(key),
            verdict,
            None if blocks is None else math.ceil(blocks / adapters),
        )


def holm(p_values: list[float]) -> list[float]:
    """P values adjusted by Holm's method.

    The function of statsmodels, multipletests, collects garbage in each call and takes a hundred times as long.
    """
    order = np.argsort(p_values)
    multiplied = np.array(p_values)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(multiplied))
    return [float(p_value) for p_value in adjusted]


def p_value(estimate: Estimate) -> float:
    """The two-sided p value of the hypothesis of no effect."""
    if estimate.error == 0:
        return float(estimate.value == 0)
    return float(2 * stats.t.sf(abs(estimate.value / estimate.error), estimate.df))


Bounds = tuple[float | None, float | None]  # (None, None) without residual degrees of freedom


def bounds(estimate: Estimate, confidence: float) -> Bounds:
    """The t confidence interval of an estimate; (None, None) without residual degrees of freedom."""
    if estimate.df <= 0:
        return None, None
    half = float(stats.t.isf((1 - confidence) / 2, estimate.df)) * estimate.error
    return estimate.value - half, estimate.value + half


def _edges(metric: str, delta: float) -> tuple[float, float]:
    """The largest negligible effects in both directions, on the scale of the estimates."""
    return (-delta, delta) if metric == ACCURACY else (-math.log1p(delta / 100), math.log1p(delta / 100))


def _verdict(
    estimate: Estimate, low: float | None, high: float | None, edges: tuple[float, float]
) -> tuple[str, int | None]:
    """The verdict, and the number of additional blocks for a verdict; None where none or too many are needed.

    Matters: the interval lies beyond an edge. Negligible: two one-sided tests (TOST) place the effect between them.
    """
    if low is None or high is None:
        return UNDECIDED, None
    lower, upper = edges
    if low > upper or high < lower:
        return MATTERS, None
    inner = bounds(estimate, 2 * CONFIDENCE - 1)  # two one-sided tests of 5 % are one interval of 90 %
    if inner[0] is not None and inner[1] is not None and lower < inner[0] and inner[1] < upper:
        return NEGLIGIBLE, None
    distance = min(abs(estimate.value - edge) for edge in edges)
    reach = (high - low) / 2 / distance if distance else math.inf
    needed = math.ceil(estimate.n * min(reach, MANY) ** 2)
    return UNDECIDED, max(1, needed - estimate.n) if needed < MANY else None


def to_reported_scale(value: float, metric: str) -> float:
    """A difference as reported: in percentage points or in percent."""
    return float(value if metric == ACCURACY else 100.0 * np.expm1(value))


def reported_bounds(bounds: Bounds, metric: str) -> Bounds:
    """The bounds of an interval as reported."""
    low, high = (None if bound is None else to_reported_scale(bound, metric) for bound in bounds)
    return low, high


Interval = tuple[float, float | None, float | None]  # a mean and the bounds of its confidence interval


def mean_interval(values: np.ndarray) -> Interval:
    """The mean of a sample and its t confidence interval; a single value has none."""
    mean = float(values.mean())
    if len(values) < 2:
        return mean, None, None
    if np.ptp(values) < 1e-12:  # SciPy returns NaN for a sample without variance
        return mean, mean, mean
    found = stats.ttest_1samp(values, 0.0).confidence_interval(CONFIDENCE)
    return mean, float(found.low), float(found.high)


def reported_mean(differences: np.ndarray, metric: str) -> Interval:
    """The mean of differences and its t confidence interval, as reported."""
    value, *found = mean_interval(differences)
    return to_reported_scale(value, metric), *reported_bounds((found[0], found[1]), metric)
