"""Attribution: the share of each setting in the gap between two adapters. Pure functions.

The share of a setting is its effect averaged over the walks of a path: its Shapley value, where every order was walked.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from sweeps.analysis.effects import ACCURACY, HEADLINE_TIME, reported_mean, scale

REST = "the framework itself"  # the part of the gap that remains after the last step
GAP = "gap"


class Share(NamedTuple):
    """A part of the gap, in percentage points of accuracy or in percent of time.

    The parts of accuracy add up to its gap; the parts of a time multiply. part: a setting, the framework itself, or the
    whole gap. low, high: 95 % t confidence interval over the seeds; None with one seed.
    """

    metric: str
    part: str
    choice: str
    baseline: str
    estimate: float
    low: float | None
    high: float | None
    n: int


class Walked(NamedTuple):
    """A path that was run. steps: {setting: (source's choice, target's choice)}. walks: orders of the steps."""

    source: str
    target: str
    steps: dict[str, tuple[str, str]]
    walks: list[list[str]]


def shares(path: Walked, runs: pd.DataFrame) -> list[Share]:
    """The share of each step, the share that no step explains, and the whole gap."""
    if runs.empty:
        return []
    found: list[Share] = []
    for metric in (ACCURACY, HEADLINE_TIME):
        table = _by_seed(path, runs.assign(value=scale(runs, metric)))
        ends = (path.source, path.target)
        for part, (baseline, choice) in {**path.steps, REST: ends, GAP: ends}.items() if len(table) else ():
            found.append(
                Share(metric, part, choice, baseline, *reported_mean(table[part].to_numpy(float), metric), len(table))
            )
    return found


def _by_seed(path: Walked, runs: pd.DataFrame) -> pd.DataFrame:
    """What each part adds; one row per seed for which the whole path was run."""
    steps, to = list(path.steps), {name: other for name, (_, other) in path.steps.items()}
    rows = []
    for _, mine in runs.dropna(subset=["value"]).groupby("seed"):
        walked = mine[mine["adapter"] == path.source]
        taken = walked[steps].eq(pd.Series(to)).to_numpy() if steps else np.zeros((len(walked), 0), bool)
        values = {frozenset(np.array(steps)[row]): value for row, value in zip(taken, walked["value"], strict=True)}
        end = mine.loc[mine["adapter"] == path.target, "value"]
        if len(end) and all(frozenset(walk[:n]) in values for walk in path.walks for n in range(len(walk) + 1)):
            rows.append(_of_seed(path.walks, steps, values, float(end.iloc[0])))
    return pd.DataFrame(rows, columns=[*steps, REST, GAP])


def _of_seed(
    walks: list[list[str]], steps: list[str], values: dict[frozenset[str], float], end: float
) -> dict[str, float]:
    gains: dict[str, list[float]] = {name: [] for name in steps}
    for walk in walks:
        for taken, name in enumerate(walk):
            gains[name].append(values[frozenset(walk[: taken + 1])] - values[frozenset(walk[:taken])])
    start, last = values[frozenset()], values[frozenset(steps)]
    return {name: float(np.mean(gain)) for name, gain in gains.items()} | {REST: end - last, GAP: end - start}
