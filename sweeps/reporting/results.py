"""A sweep as read from MLflow, and everything that is worked out of it, each once."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from experiments.trials.trial import COMPLETED, OUTCOMES, PRUNED
from sweeps.analysis.attribution import Share, shares
from sweeps.analysis.divergence import Divergence, divergences
from sweeps.analysis.effects import ACCURACY, HEADLINE_TIME, PAIRED, Effect, Fits, effects, fits, mean_interval
from sweeps.analysis.importance import Importance, importances
from sweeps.analysis.interactions import Interaction, interactions
from sweeps.analysis.noise import Pairing, Repetition, pairings, repetitions
from sweeps.analysis.spread import Spread, accuracies, members, spreads

UNSTEADY = 0.1  # quartiles of a run's step times that lie further apart than this share of their median are flagged


@dataclass(frozen=True)
class Record:
    """All that a report is made of.

    runs: one row for each trial with an outcome. curves: accuracies by epoch of runs at native settings, with columns adapter,
    seed, epoch and accuracy. certificates: {adapter: the cases of its certificate for this network}.
    """

    sweep: str
    tracking_uri: str
    experiment: str
    parent_run_id: str
    plan: dict[str, Any]
    runs: pd.DataFrame
    curves: pd.DataFrame = field(default_factory=pd.DataFrame)
    certificates: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @cached_property
    def designed(self) -> pd.DataFrame:
        """The runs of the design's rows: all but the A/A arm."""
        return self.runs[self.runs["repeats"] == ""] if "repeats" in self.runs else self.runs

    def native(self, adapter: str) -> pd.DataFrame:
        """An adapter's runs at its native settings."""
        runs = self.designed
        mine = runs[runs["adapter"] == adapter] if "adapter" in runs else runs
        same = [mine[name] == choice for name, choice in self.plan["natives"][adapter].items() if name in mine]
        return mine[pd.concat(same, axis=1).all(axis=1)] if same else mine

    @property
    def compared(self) -> bool:
        """Whether settings can be compared. Not in a search: its sampler prefers what does well."""
        return bool(self.plan["design"] != "search" and not self.designed.empty)

    @property
    def paired(self) -> bool:
        """Whether each effect is a single contrast: see sweeps.analysis.effects."""
        return bool(self.plan["design"] == PAIRED)

    @cached_property
    def fits(self) -> Fits:
        """What the runs say of every comparison, before it is judged."""
        plan = self.plan
        return fits(self.designed, plan["natives"], plan["varied"], self.paired) if self.compared else {}

    @cached_property
    def effects(self) -> list[Effect]:
        """What the settings do."""
        return effects(self.fits, self.plan["varied"], self.plan["smallest_effect"])

    @cached_property
    def interactions(self) -> list[Interaction]:
        """Where they do something else in one framework."""
        return interactions(self.fits)

    @cached_property
    def divergences(self) -> list[Divergence]:
        """How often their runs diverged."""
        return divergences(self.designed, self.plan["natives"], self.plan["varied"]) if self.compared else []

    @cached_property
    def importances(self) -> list[Importance]:
        """Which settings the spread of accuracies hangs on, in a search, whose effects can't be told."""
        return importances(self.designed, self.plan["varied"]) if self.plan["design"] == "search" else []

    @cached_property
    def pairings(self) -> list[Pairing]:
        """What pairing by seed is worth."""
        return pairings(self.designed, self.plan["varied"]) if self.compared else []

    @cached_property
    def repetitions(self) -> list[Repetition]:
        """The A/A arm."""
        return repetitions(self.runs)

    @cached_property
    def shares(self) -> list[Share]:
        """What each step of a path adds."""
        return shares(self.plan, self.designed)

    @cached_property
    def members(self) -> pd.DataFrame:
        """The runs of each preset: see sweeps.analysis.spread."""
        return members(self.plan, self.designed)

    @cached_property
    def accuracies(self) -> list[dict[str, Any]]:
        """The accuracy of each adapter under each preset."""
        return accuracies(self.members)

    @cached_property
    def spreads(self) -> list[Spread]:
        """How far the frameworks lie apart under each preset."""
        return spreads(self.members)

    @property
    def unsteady(self) -> list[dict[str, Any]]:
        """{adapter, runs, unsteady}: how many timed runs had steps of uneven length, adapter by adapter."""
        if not {"step_ms_iqr", HEADLINE_TIME} <= set(self.runs):
            return []
        timed = self.runs[(self.runs["outcome"] == COMPLETED) & (self.runs[HEADLINE_TIME] > 0)]
        uneven = timed["step_ms_iqr"] / timed[HEADLINE_TIME] > UNSTEADY
        counted = uneven.groupby(timed["adapter"], sort=False).agg(["size", "sum"])
        return [
            {"adapter": str(name), "runs": int(row["size"]), "unsteady": int(row["sum"])}
            for name, row in counted.iterrows()
        ]


def summary(record: Record) -> dict[str, Any]:
    """The JSON object of `report --json`."""
    kinds = list(record.runs.get("outcome", []))
    lists = ("effects", "interactions", "divergences", "pairings", "repetitions", "shares", "spreads", "importances")
    return {
        "sweep": record.sweep,
        "tracking_uri": record.tracking_uri,
        "experiment": record.experiment,
        "outcomes": {
            kind: kinds.count(kind) for kind in OUTCOMES if kind != PRUNED or kind in kinds
        },  # which searches alone have
        "planned": record.plan["planned"],
        "adapters": [_adapter(record, name) for name in record.plan["adapters"]],
        **{name: [found._asdict() for found in getattr(record, name)] for name in lists},
        "presets": record.accuracies,
        "unsteady": record.unsteady,
        "holes": record.plan["holes"],
        "dropped": record.plan["dropped"],
        "collapsed": record.plan["collapsed"],
    }


def _adapter(record: Record, name: str) -> dict[str, Any]:
    """An adapter at its native settings: accuracy with interval, and the median time of a step."""
    runs, native = record.designed, record.native(name)
    values = native[ACCURACY].dropna().to_numpy() if ACCURACY in native else np.array([])
    mean, low, high = mean_interval(values) if len(values) else (None, None, None)
    step = native[HEADLINE_TIME].median() if HEADLINE_TIME in native else np.nan
    return {
        "name": name,
        "runs": int((runs["adapter"] == name).sum()) if "adapter" in runs else 0,
        "native_runs": len(native),
        "accuracy": mean,
        "accuracy_low": low,
        "accuracy_high": high,
        "step_ms_median": None if np.isnan(step) else float(step),
    }
