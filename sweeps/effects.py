"""Effects: what a choice does to accuracy or time against a baseline, paired, with its interval. Pure functions."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

CONFIDENCE = 0.95
ALL = "all"  # in place of an adapter: every block of every adapter

# Metrics and how a difference is taken: accuracy in points, times as a per cent change of the geometric mean.
ACCURACY = "accuracy"
TIMES = ("step_ms_median", "train_seconds", "total_seconds")
METRICS = (ACCURACY, *TIMES)


class Effect(NamedTuple):
    """`choice` instead of `baseline`: points for accuracy, per cent for times. No interval from a single block."""

    setting: str
    choice: str
    baseline: str
    metric: str
    adapter: str
    estimate: float
    low: float | None
    high: float | None
    n: int

    @property
    def excludes_zero(self) -> bool:
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def effects(
    runs: pd.DataFrame, natives: dict[str, dict[str, str]], varied: list[str], settings: list[str]
) -> list[Effect]:
    """Every effect that the runs can show.

    runs: one row a trial, with columns adapter, seed, one per setting, and the metrics. A diverged trial keeps the accuracy
    it ended with and has no time; a failed one has neither. natives: {adapter: {setting: choice}}. settings: every column
    in which two runs must agree to be compared.

    Two runs are compared where they agree in adapter, seed and all settings but one. The differences within a block
    (adapter x seed) are averaged; blocks are the units of the t interval, so a factorial counts no run twice.
    """
    found = []
    for setting in varied:
        blocks = pd.concat([_blocks(runs, natives, setting, settings, metric) for metric in METRICS])
        found += _estimates(setting, blocks)
    return found


def _blocks(
    runs: pd.DataFrame, natives: dict[str, dict[str, str]], setting: str, settings: list[str], metric: str
) -> pd.DataFrame:
    """One row for each (adapter, seed, choice): the mean difference from the baseline."""
    rows = []
    values = pd.DataFrame({**runs[["adapter", "seed", *settings]], "value": _scale(runs, metric)}).dropna(subset=["value"])
    if setting in values:
        values = values.dropna(subset=[setting])
        others = ["adapter", "seed", *(name for name in settings if name != setting)]
        for adapter, mine in values.groupby("adapter"):
            baseline = _baseline(mine[setting], natives[str(adapter)].get(setting))
            base = mine[mine[setting] == baseline]
            for choice, flipped in mine[mine[setting] != baseline].groupby(setting):
                pairs = flipped.fillna("").merge(base.fillna(""), on=others, suffixes=("", "_base"))
                pairs["difference"] = pairs["value"] - pairs["value_base"]
                for seed, difference in pairs.groupby("seed")["difference"].mean().items():
                    rows.append((metric, choice, baseline, adapter, seed, difference))
    return pd.DataFrame(rows, columns=["metric", "choice", "baseline", "adapter", "seed", "difference"])


def _baseline(column: pd.Series, native: str | None) -> str:
    """The native choice if it was run, else the first one that was."""
    return native if native is not None and (column == native).any() else str(column.iloc[0])


def _scale(runs: pd.DataFrame, metric: str) -> pd.Series:
    """The scale on which differences are taken: points for accuracy, logarithms for times."""
    values = runs[metric] if metric in runs else pd.Series(np.nan, index=runs.index)
    if metric == ACCURACY:
        return 100.0 * values
    timed: pd.Series = np.log(values.where((runs["outcome"] == "completed") & (values > 0)))
    return timed


def _estimates(setting: str, blocks: pd.DataFrame) -> list[Effect]:
    found = []
    for (metric, choice, baseline), alike in blocks.groupby(["metric", "choice", "baseline"], sort=False):
        by_adapter = [(str(adapter), mine) for adapter, mine in alike.groupby("adapter", sort=False)]
        overall = [(ALL, alike)] if len(by_adapter) > 1 else []
        for adapter, mine in overall + by_adapter:
            estimate, low, high = interval(mine["difference"].to_numpy(float), str(metric))
            found.append(
                Effect(setting, str(choice), str(baseline), str(metric), adapter, estimate, low, high, len(mine))
            )
    return found


def _points(difference: float) -> float:
    return float(difference)


def _per_cent(logarithm: float) -> float:
    return float(100.0 * np.expm1(logarithm))


def interval(differences: np.ndarray, metric: str) -> tuple[float, float | None, float | None]:
    """Mean and its t interval, turned back from logarithms to per cent for times."""
    back = _points if metric == ACCURACY else _per_cent
    mean = differences.mean()
    if len(differences) < 2:
        return back(mean), None, None
    if np.ptp(differences) == 0:  # scipy has no interval for a sample without spread
        return back(mean), back(mean), back(mean)
    found = stats.ttest_1samp(differences, 0.0).confidence_interval(CONFIDENCE)
    return back(mean), back(found.low), back(found.high)


def mean_interval(values: np.ndarray) -> tuple[float, float | None, float | None]:
    """Mean of one sample and its t interval; none from a single value."""
    return interval(values, ACCURACY)
