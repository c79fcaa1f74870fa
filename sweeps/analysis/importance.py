"""Importance: which settings explain the variance of accuracy in a search. Pure functions.

An importance has no sign and no confidence interval: it suggests settings to test, and does not replace effects.
Optuna's evaluator is imported late: it imports scikit-learn, which takes half a second, and only a search needs it.
"""

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from experiments.trials.trial import TRAINED
from sweeps.analysis.effects import ACCURACY

if TYPE_CHECKING:
    import optuna

EVALUATOR = "fANOVA of Optuna"
FEWEST = 8  # runs of an adapter; a random forest of fewer is not informative


class Importance(NamedTuple):
    """share: the part of the variance of an adapter's accuracies that a setting explains, from 0 to 1."""

    adapter: str
    setting: str
    share: float
    runs: int


def importances(runs: pd.DataFrame, varied: list[str]) -> list[Importance]:
    """The importances of every adapter with enough runs, two settings and differing accuracies; the largest first."""
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    found: list[Importance] = []
    for adapter, mine in runs.groupby("adapter", sort=False) if ACCURACY in runs else ():
        # The accuracy of a pruned trial is that of an earlier epoch.
        known = mine[mine["outcome"].isin(TRAINED)].dropna(subset=[ACCURACY])
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
