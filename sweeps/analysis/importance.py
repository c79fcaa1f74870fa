"""Importance: which settings the spread of a search's accuracies hangs on. Unsigned, without intervals, second to effects. Pure functions.

Optuna's evaluator is imported where it is used: it brings scikit-learn, half a second that a search alone needs.
"""

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from experiments.trials.trial import TRAINED
from sweeps.analysis.effects import ACCURACY

if TYPE_CHECKING:
    import optuna

EVALUATOR = "fANOVA of Optuna"
FEWEST = 8  # runs of an adapter: a forest of fewer says nothing


class Importance(NamedTuple):
    """The share of the variance of an adapter's accuracies that a setting is given, from 0 to 1."""

    adapter: str
    setting: str
    share: float
    runs: int


def importances(runs: pd.DataFrame, varied: list[str]) -> list[Importance]:
    """Of every adapter with enough runs that differ in accuracy and in two settings; the largest first."""
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    found: list[Importance] = []
    for adapter, mine in runs.groupby("adapter", sort=False) if ACCURACY in runs else ():
        known = mine[mine["outcome"].isin(TRAINED)].dropna(subset=[ACCURACY])  # of the others it is that of some epoch
        names = [name for name in varied if name in known and known[name].notna().all() and known[name].nunique() > 1]
        if len(known) >= FEWEST and len(names) > 1 and known[ACCURACY].nunique() > 1:
            shares = get_param_importances(_study(known, names), evaluator=FanovaImportanceEvaluator(seed=0))
            found += [Importance(str(adapter), name, float(share), len(known)) for name, share in shares.items()]
    return found


def _study(runs: pd.DataFrame, names: list[str]) -> "optuna.Study":
    import optuna
    from optuna.distributions import BaseDistribution, CategoricalDistribution

    study = optuna.create_study(direction="maximize")
    choices: dict[str, BaseDistribution] = {name: CategoricalDistribution(sorted(set(runs[name]))) for name in names}
    for row in runs.to_dict("records"):
        params = {name: row[name] for name in names}
        study.add_trial(optuna.create_trial(params=params, distributions=choices, value=100 * row[ACCURACY]))
    return study
