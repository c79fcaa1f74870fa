"""Interactions of settings with frameworks: where a choice does in one framework what it does not in the others.

All frameworks' runs are taken to scatter alike. Exploratory, so over all of a metric's interactions the share of false
findings is kept down (Benjamini and Hochberg), not the chance of a single one. Pure functions.
"""

from typing import NamedTuple

from scipy import stats

from sweeps.analysis import linear_model
from sweeps.analysis.effects import CONFIDENCE, Fits, Key, back, bounds, bounds_back, p_value
from sweeps.analysis.linear_model import Estimate


class Interaction(NamedTuple):
    """What `choice` instead of `baseline` does in an adapter less the mean of what it does in the others: points for
    accuracy, per cent for times.

    effect: what it does in the adapter. low, high: 95 % interval of this one interaction, None where the runs give none.
    q_value: the share of false findings among the interactions with this p value or a smaller one.
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
    """Every comparison that at least two frameworks have, framework by framework."""
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
        effect, estimate = back(fitted[adapter][key].value, metric), back(one.value, metric)
        interval = bounds_back(bounds(one, CONFIDENCE), metric)
        found.append(Interaction(*key, metric, adapter, effect, estimate, *interval, q_values.get((key, adapter))))
    return found
