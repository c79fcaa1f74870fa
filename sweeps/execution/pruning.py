"""Pruning: decides with one of Optuna's pruners whether to stop a search's trial early.

Optuna's pruners need a study with one objective, and a search has two. So the learning curves are kept in a second
study, of accuracy alone, in memory.
"""

from collections.abc import Callable, Iterable

import optuna
from optuna.pruners import BasePruner
from optuna.trial import TrialState, create_trial

from experiments.trials.trial import Event, Trial

PRUNERS: dict[str, Callable[[], BasePruner]] = {"median": optuna.pruners.MedianPruner, "none": optuna.pruners.NopPruner}

Curve = list[float]  # the accuracy after each epoch


class Pruning:
    """The learning curves of a search's trials. curves: those of completed trials."""

    def __init__(self, pruner: str, curves: Iterable[Curve]):
        self.pruner = PRUNERS[pruner]()
        self.study = optuna.create_study(direction="maximize")
        self.curves: dict[str, Curve] = {}  # of running trials, by identity
        for curve in curves:
            self._learn(curve)

    def should_prune(self, trial: Trial, epoch: Event) -> bool:
        """Add an epoch of a running trial; returns whether to stop the trial, never after its last epoch."""
        if epoch["epoch"] == 0:  # an interrupted trial starts again
            self.curves[trial.identity] = []
        curve = self.curves.setdefault(trial.identity, [])
        curve.append(epoch["accuracy"])
        running = create_trial(state=TrialState.RUNNING, intermediate_values=dict(enumerate(curve)))
        return len(curve) < trial.workload.epochs and self.pruner.prune(self.study, running)

    def finish(self, trial: Trial, completed: bool) -> Curve:
        """Remove a trial that has an outcome; returns its learning curve."""
        curve = self.curves.pop(trial.identity, [])
        if completed:
            self._learn(curve)
        return curve

    def _learn(self, curve: Curve) -> None:
        if curve:
            self.study.add_trial(create_trial(value=curve[-1], intermediate_values=dict(enumerate(curve))))
