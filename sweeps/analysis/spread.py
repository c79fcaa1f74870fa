"""Spread: how much the adapters' accuracies differ under each preset, compared with seed noise. Pure functions."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import pandas as pd

from sweeps.analysis.effects import mean_interval


class Spread(NamedTuple):
    """How much the adapters' mean accuracies differ under one preset, in percentage points.

    apart: largest mean minus smallest mean. seed_noise: residual standard deviation of a model with adapter and seed.
    p_value: of the F test of equal means; None with fewer than two adapters or seeds.
    """

    preset: str
    adapters: int
    seeds: int
    apart: float
    seed_noise: float | None
    p_value: float | None


def members(presets: Iterable[tuple[str, list[str]]], runs: pd.DataFrame) -> pd.DataFrame:
    """One row per run of a preset: preset, adapter, seed, and accuracy in percent. A run may belong to several presets.

    presets: (preset, identities of its trials).
    """
    tables = [runs[runs["trial"].isin(trials)].assign(preset=preset) for preset, trials in presets if not runs.empty]
    if not tables or "accuracy" not in runs:
        return pd.DataFrame(columns=["preset", "adapter", "seed", "accuracy"])
    found = pd.concat(tables)[["preset", "adapter", "seed", "accuracy"]].dropna()
    return found.assign(accuracy=100.0 * found["accuracy"])


def accuracies(found: pd.DataFrame) -> list[dict[str, Any]]:
    """The mean accuracy of each adapter under each preset, with its t confidence interval. found: from `members`."""
    rows = []
    for (preset, adapter), mine in found.groupby(["preset", "adapter"], sort=False):
        mean, low, high = mean_interval(mine["accuracy"].to_numpy())
        rows.append({"preset": preset, "adapter": adapter, "accuracy": mean, "low": low, "high": high, "n": len(mine)})
    return rows


def spreads(found: pd.DataFrame) -> list[Spread]:
    """The spread of every preset. found: from `members`."""
    return [_spread(str(preset), mine) for preset, mine in found.groupby("preset", sort=False)]


def _spread(preset: str, mine: pd.DataFrame) -> Spread:
    from statsmodels.formula.api import ols  # late: takes a tenth of a second, and only presets need it
    from statsmodels.stats.anova import anova_lm

    means = mine.groupby("adapter")["accuracy"].mean()
    adapters, seeds = len(means), mine["seed"].nunique()
    apart = float(means.max() - means.min())
    if adapters < 2 or seeds < 2:
        return Spread(preset, adapters, seeds, apart, None, None)
    analysis = anova_lm(ols("accuracy ~ C(adapter) + C(seed)", mine).fit(), typ=2)
    residual = analysis.loc["Residual"]
    noise = float((residual["sum_sq"] / residual["df"]) ** 0.5) if residual["df"] else None
    return Spread(preset, adapters, seeds, apart, noise, float(analysis.loc["C(adapter)", "PR(>F)"]) if noise else None)
