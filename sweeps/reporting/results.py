"""Results: a sweep as read from MLflow, and the analyses of its runs, each computed once."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field, RootModel

from experiments.trials.trial import COMPLETED, OUTCOMES, PRUNED
from sweeps.analysis.attribution import Share, Walked, shares
from sweeps.analysis.divergence import Divergence, divergences
from sweeps.analysis.effects import ACCURACY, HEADLINE_TIME, Effect, Fits, effects, fits, mean_interval
from sweeps.analysis.importance import Importance, importances
from sweeps.analysis.interactions import Interaction, interactions
from sweeps.analysis.noise import Pairing, Repetition, pairings, repetitions
from sweeps.analysis.spread import Spread, accuracies, members, spreads
from sweeps.planning.plan import Part, Plan

UNSTEADY = 0.1  # a run is unsteady if the interquartile range of its step times exceeds this share of the median


class Case(Part):
    """One case of a certificate, from experiments.verification.equivalence.Result.as_dict."""

    dtype: str
    passed: bool
    max_difference: dict[str, float]


class Cases(RootModel[Annotated[list[Case], Field(min_length=1, strict=True)]]):
    """The cases of one adapter's certificate."""


@dataclass(frozen=True)
class Results:
    """The contents of a report.

    runs: one row per trial with an outcome. curves: accuracies by epoch of runs with default settings, with the columns
    adapter, seed, epoch and accuracy. certificates: {adapter: the cases of its certificate for this network}.
    """

    sweep: str
    tracking_uri: str
    experiment: str
    parent_run_id: str
    plan: Plan
    runs: pd.DataFrame
    curves: pd.DataFrame = field(default_factory=pd.DataFrame)
    certificates: dict[str, list[Case]] = field(default_factory=dict)

    @cached_property
    def designed(self) -> pd.DataFrame:
        """The runs without the A/A arm."""
        return self.runs[self.runs["repeats"] == ""] if "repeats" in self.runs else self.runs

    def default_runs(self, adapter: str) -> pd.DataFrame:
        """An adapter's runs with its default settings."""
        runs = self.designed
        mine = runs[runs["adapter"] == adapter] if "adapter" in runs else runs
        same = [mine[name] == choice for name, choice in self.plan.natives[adapter].items() if name in mine]
        return mine[pd.concat(same, axis=1).all(axis=1)] if same else mine

    @property
    def compared(self) -> bool:
        """Whether the design compares settings and there are runs to compare."""
        return self.plan.estimator != "none" and not self.designed.empty

    @property
    def paired(self) -> bool:
        """Whether each choice is compared with the baseline alone: see sweeps.analysis.effects."""
        return self.plan.estimator == "paired"

    @cached_property
    def fits(self) -> Fits:
        """The estimate of every comparison."""
        plan = self.plan
        return fits(self.designed, plan.natives, plan.varied, self.paired) if self.compared else {}

    @cached_property
    def effects(self) -> list[Effect]:
        """Every effect, with confidence interval and verdict."""
        return effects(self.fits, self.plan.varied, dict(self.plan.smallest_effect))

    @cached_property
    def interactions(self) -> list[Interaction]:
        """The comparison of each adapter's effects with those of the other adapters."""
        return interactions(self.fits)

    @cached_property
    def divergences(self) -> list[Divergence]:
        """How often runs diverged, for each comparison."""
        return divergences(self.designed, self.plan.natives, self.plan.varied) if self.compared else []

    @cached_property
    def importances(self) -> list[Importance]:
        """The settings that explain the variance of accuracy, where trials are sampled and have no effects."""
        return importances(self.designed, self.plan.varied) if self.plan.sampled else []

    @cached_property
    def pairings(self) -> list[Pairing]:
        """How much variance pairing by seed removes."""
        return pairings(self.designed, self.plan.varied) if self.compared else []

    @cached_property
    def repetitions(self) -> list[Repetition]:
        """The A/A arm of every adapter."""
        return repetitions(self.runs)

    @cached_property
    def shares(self) -> list[Share]:
        """The share of each step of a path in the gap."""
        path = self.plan.path
        if path is None:
            return []
        steps = {step.setting: (step.own, step.other) for step in path.steps}
        return shares(Walked(path.source, path.target, steps, path.walks), self.designed)

    @cached_property
    def members(self) -> pd.DataFrame:
        """The runs of each preset: see sweeps.analysis.spread."""
        return members([(row.preset, row.trials) for row in self.plan.presets], self.designed)

    @cached_property
    def accuracies(self) -> list[dict[str, Any]]:
        """The accuracy of each adapter under each preset."""
        return accuracies(self.members)

    @cached_property
    def spreads(self) -> list[Spread]:
        """How much the adapters' accuracies differ under each preset."""
        return spreads(self.members)

    @property
    def unsteady(self) -> list[dict[str, Any]]:
        """[{adapter, runs, unsteady}]: the number of timed runs, and of those with uneven step times."""
        if not {"step_ms_iqr", HEADLINE_TIME} <= set(self.runs):
            return []
        timed = self.runs[(self.runs["outcome"] == COMPLETED) & (self.runs[HEADLINE_TIME] > 0)]
        uneven = timed["step_ms_iqr"] / timed[HEADLINE_TIME] > UNSTEADY
        counted = uneven.groupby(timed["adapter"], sort=False).agg(["size", "sum"])
        return [
            {"adapter": str(name), "runs": int(row["size"]), "unsteady": int(row["sum"])}
            for name, row in counted.iterrows()
        ]


def summary(results: Results) -> dict[str, Any]:
    """The JSON object of `report --json`."""
    kinds = list(results.runs.get("outcome", []))
    lists = ("effects", "interactions", "divergences", "pairings", "repetitions", "shares", "spreads", "importances")
    return {
        "sweep": results.sweep,
        "tracking_uri": results.tracking_uri,
        "experiment": results.experiment,
        # Only searches have pruned trials.
        "outcomes": {kind: kinds.count(kind) for kind in OUTCOMES if kind != PRUNED or kind in kinds},
        "planned": results.plan.planned,
        "adapters": [_adapter(results, name) for name in results.plan.adapters],
        **{name: [found._asdict() for found in getattr(results, name)] for name in lists},
        "presets": results.accuracies,
        "unsteady": results.unsteady,
        "unavailable": results.plan.unavailable,
        "dropped": [row.model_dump() for row in results.plan.dropped],
        "collapsed": [row.model_dump() for row in results.plan.collapsed],
    }


def _adapter(results: Results, name: str) -> dict[str, Any]:
    """An adapter with its default settings: mean accuracy with its confidence interval, and median step time."""
    runs, mine = results.designed, results.default_runs(name)
    values = mine[ACCURACY].dropna().to_numpy() if ACCURACY in mine else np.array([])
    mean, low, high = mean_interval(values) if len(values) else (None, None, None)
    step = mine[HEADLINE_TIME].median() if HEADLINE_TIME in mine else np.nan
    return {
        "name": name,
        "runs": int((runs["adapter"] == name).sum()) if "adapter" in runs else 0,
        "native_runs": len(mine),
        "accuracy": mean,
        "accuracy_low": low,
        "accuracy_high": high,
        "step_ms_median": None if np.isnan(step) else float(step),
    }
