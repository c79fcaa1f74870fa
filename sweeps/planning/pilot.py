"""Pilot: the duration and the seed noise of earlier runs of the same workload. Pure functions."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from adapters.networks import SETTINGS


class Pilot(NamedTuple):
    """An adapter's earlier runs.

    seconds: median duration of a trial. deviation: standard deviation of accuracy across seeds within a configuration,
    in percentage points; None if no configuration was run with two seeds.
    """

    runs: int
    seconds: float
    deviation: float | None


def pilots(runs: pd.DataFrame) -> dict[str, Pilot]:
    """{adapter: its pilot}.

    runs: completed ones, with the columns adapter, seed, repeats, accuracy, total_seconds, and the settings.
    """
    if runs.empty:
        return {}
    return {str(adapter): _pilot(mine) for adapter, mine in runs.groupby("adapter", sort=False)}


def _pilot(runs: pd.DataFrame) -> Pilot:
    first = runs[runs["repeats"] == ""]
    names = [name for name in SETTINGS if name in first and first[name].notna().any()]
    cells = first.groupby([*names, "seed"])["accuracy"].mean().groupby(names)  # a trial may be in several sweeps
    squares, df = (cells.var(ddof=1) * (cells.size() - 1)).sum(), int((cells.size() - 1).sum())
    return Pilot(len(runs), float(runs["total_seconds"].median()), 100 * float(np.sqrt(squares / df)) if df else None)


def device_hours(pilots: dict[str, Pilot], adapters: Iterable[str]) -> tuple[float, list[str]]:
    """The total device-hours of trials, and the adapters without a pilot. adapters: the adapter of each trial."""
    names = list(adapters)
    unknown = [name for name in dict.fromkeys(names) if name not in pilots]
    return sum(pilots[name].seconds for name in names if name in pilots) / 3600, unknown
