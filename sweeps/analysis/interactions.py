"""Interactions of settings with adapters: where the effect of a choice differs from that in the other adapters.

The runs of all adapters are assumed to have one error variance. The analysis is exploratory, so it controls the false
discovery rate over all interactions of a metric (Benjamini and Hochberg). Pure functions.
"""

from typing import NamedTuple

from scipy import stats

from sweeps.analysis import linear_model
from sweeps.analysis.effects import CONFIDENCE, Fits, Key, bounds, p_value, reported_bounds, to_reported_scale
from sweeps.analysis.linear_model import Estimate


class Interaction(NamedTuple):
    """The effect of `choice` instead of `baseline` in one adapter, compared with the other adapters.

    effect: in the adapter, in percentage points of accuracy or percent of time. estimate: the effect less the mean
    effect in the others. low, high: the 95 % confidence interval of `estimate` alone; None without residual degrees of
    freedom. q_value: expected share of false discoveries among the interactions with this p value or a smaller one.
    """

    setting: str
    choice: str
    baseline: str
    metric: str
    adapter: str
    effect: float
    estimate: float
    low: float | None
    high: float | None
    q_value: float | None

    @property
    def found(self) -> bool:
        return self.q_value is not None and self.q_value < 1 - CONFIDENCE


def interactions(fitted: Fits) -> list[Interaction]:
    """The interactions of every comparison that at least two adapters have."""
    return [one for metric, mine in fitted.items() for one in _of_metric(mine, metric)]


def _of_metric(fitted: dict[str, dict[Key, Estimate]], metric: str) -> list[Interaction]:
    keys = dict.fromkeys(key for mine in fitted.values() for key in mine)
    shared = {key: {adapter: mine[key] for adapter, mine in fitted.items() if key in mine} for key in keys}
    differences = {
        (key, adapter): linear_model.deviation(mine, adapter)
        for key, mine in shared.items()
        if len(mine) > 1
        for adapter in mine
    }
    known = [place for place, one in differences.items() if one.df > 0]
    adjusted = stats.false_discovery_control([p_value(differences[place]) for place in known]) if known else []
    q_values = dict(zip(known, map(float, adjusted), strict=True))
    found = []
    for (key, adapter), one in differences.items():
        effect, estimate = to_reported_scale(fitted[adapter][key].value, metric), to_reported_scale(one.value, metric)
        interval = reported_bounds(bounds(one, CONFIDENCE), metric)
        found.append(Interaction(*key, metric, adapter, effect, estimate, *interval, q_values.get((key, adapter))))
    return found
