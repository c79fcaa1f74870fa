"""Pruning: whether a search's trial is worth the epochs it has left, by a pruner of Optuna's.

Those know studies of one objective only, and a search has two: the learning curves are told to a study of accuracy alone, in memory.
"""

from collections.abc import Callable, Iterable

import optuna
from optuna.pruners import BasePruner
from optuna.trial import TrialState, create_trial

from experiments.trials.trial import Event, Trial

PRUNERS: dict[str, Callable[[], BasePruner]] = {"median": optuna.pruners.MedianPruner, "none": optuna.pruners.NopPruner}

Curve = list[float]  # the accuracy after each epoch


class Pruning:
    """What is known of how fast trials learn. curves: those of trials that were trained to their end."""

    def __init__(self, pruner: str, curves: Iterable[Curve]):
        self.pruner = PRUNERS[pruner]()
        self.study = optuna.create_study(direction="maximize")
        self.curves: dict[str, Curve] = {}  # of the trials that run, by identity
        for curve in curves:
            self._learn(curve)

    def should_prune(self, trial: Trial, epoch: Event) -> bool:
        """Take in an epoch of a trial that runs; whether its accuracy is too low to go on. After the last there is nothing to save."""
        if epoch["epoch"] == 0:  # a trial that was cut off starts again
            self.curves[trial.identity] = []
        curve = self.curves.setdefault(trial.identity, [])
        curve.append(epoch["accuracy"])
        running = create_trial(state=TrialState.RUNNING, intermediate_values=dict(enumerate(curve)))
        return len(curve) < trial.workload.epochs and self.pruner.prune(self.study, running)

    def finish(self, trial: Trial, to_its_end: bool) -> Curve:
        """A trial has an outcome; returns its curve."""
        curve = self.curves.pop(trial.identity, [])
        if to_its_end:
            self._learn(curve)
        return curve

    def _learn(self, curve: Curve) -> None:
        if curve:
            self.study.add_trial(create_trial(value=curve[-1], intermediate_values=dict(enumerate(curve))))
