"""The ledger: an Optuna study that knows which trials exist, their state and their outcome. In a search it is the sampler too.

The only module that runs trials through optuna.
"""

import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState, create_trial

from adapters import load_spec
from experiments.errors import LedgerError
from experiments.trial import COMPLETED, FAILED, Event, Trial
from sweeps import design
from sweeps.design import Plan
from sweeps.presets import Row

optuna.logging.set_verbosity(optuna.logging.WARNING)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)

SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed, n_startup_trials=8, constant_liar=True),
    "nsga2": lambda seed: optuna.samplers.NSGAIISampler(seed=seed),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}

DRAWS = 200  # after which a search waits: all that it draws conflicts, is left out or is running


def storage(folder: Path) -> BaseStorage:
    """ROSETTA_LEDGER as a database's address, or a journal file in the sweep's folder. Raises LedgerError."""
    url = os.environ.get("ROSETTA_LEDGER")
    try:
        if url:
            return RDBStorage(url.replace("postgresql://", "postgresql+psycopg://", 1))
        return JournalStorage(JournalFileBackend(str(folder / "ledger.journal")))
    except Exception as error:
        place = url.rpartition("@")[2] if url else str(folder)
        raise LedgerError(f"the ledger at {place} can't be opened: {str(error).splitlines()[0]}") from error


class Ledger:
    """Hands out the trials of a plan, each exactly once, and keeps their outcomes."""

    def __init__(self, plan: Plan, folder: Path, name: str):
        self.plan = plan
        self.searching = plan.sweep.design == "search"
        seed = len(name) + len(plan.sweep.adapters)
        self.study = optuna.create_study(
            study_name=name,
            storage=storage(folder),
            sampler=SAMPLERS[plan.sweep.sampler](seed),
            directions=["maximize", "minimize"],
            load_if_exists=True,
        )
        self.running: dict[str, optuna.Trial] = {}  # by identity
        self.left_out: set[str] = set()

    def leave_out(self, adapters: Iterable[str]) -> None:
        """Hand out no trial of these adapters. To the next driver their trials are ones that were cut off."""
        self.left_out = set(adapters)

    def prepare(self, recorded: Mapping[str, Event]) -> None:
        """Make the study hold the plan, and settle what an earlier driver left running.

        recorded: {identity: outcome event} of trials whose outcome is known though the ledger may lack it.
        Raises LedgerError where the study holds another plan.
        """
        known = self._known()
        if not self.searching:
            self._add_rows(known)
        for trial in self._in_state(TrialState.RUNNING):
            identity = trial.user_attrs.get("identity", "")
            if identity in recorded:
                self._tell(optuna.Trial(self.study, trial._trial_id), recorded[identity])
            else:
                self._requeue(trial)

    def _known(self) -> set[str]:
        trials = self.study.get_trials(deepcopy=False)
        return {trial.user_attrs["identity"] for trial in trials if "identity" in trial.user_attrs}

    def _add_rows(self, known: set[str]) -> None:
        planned = [trial.identity for trial in self.plan.order]
        if not known <= set(planned):
            raise LedgerError(
                f"sweep '{self.plan.sweep.name}' was planned from other adapters, environments or settings than it has "
                f"now; start a new one with --fresh (make sweep FRESH=1), what is done stays in MLflow"
            )
        rows = [trial for trial in self.plan.order if trial.identity not in known]
        self.study.add_trials([_waiting(trial, row) for row, trial in enumerate(rows, start=len(known))])

    def _in_state(self, *states: TrialState) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False, states=states)

    def _requeue(self, trial: FrozenTrial) -> None:
        self.study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
        if "identity" not in trial.user_attrs:
            return
        again = create_trial(
            state=TrialState.WAITING,
            params=trial.params,
            distributions=trial.distributions,
            user_attrs={**trial.user_attrs, "replaces": trial.number},
        )
        self.study.add_trial(again)

    def next(self) -> Trial | None:
        """Start a trial, or None when there is none left to start."""
        if not self.searching:
            while (trial := self._next_row()) and trial.adapter in self.left_out:
                del self.running[trial.identity]
            return trial
        for _ in range(DRAWS):
            if self._started() >= (self.plan.sweep.trials or 0):
                return None
            if trial := self._sample():
                return trial
        return None

    def _next_row(self) -> Trial | None:
        if not self._in_state(TrialState.WAITING):
            return None
        asked = self.study.ask()
        attributes = asked.user_attrs
        if not attributes:
            raise LedgerError("the ledger holds a trial that no sweep put there; start a new sweep with --fresh")
        trial: Trial = self.plan.order[attributes["row"]]
        self.running[trial.identity] = asked
        return trial

    def _started(self) -> int:
        done = self._in_state(TrialState.COMPLETE, TrialState.RUNNING, TrialState.FAIL)
        replaced = {trial.user_attrs.get("replaces") for trial in self.study.get_trials(deepcopy=False)}
        return sum(trial.number not in replaced and "identity" in trial.user_attrs for trial in done)

    def _sample(self) -> Trial | None:
        """Ask the sampler. None where there is nothing to run: an adapter that is left out, a conflict, or known values."""
        asked = self.study.ask()
        sweep = self.plan.sweep
        adapter = asked.suggest_categorical("adapter", sweep.adapters)
        configuration = design.baseline(sweep, load_spec(adapter))
        for name, choices in self.plan.choices[adapter].items():
            configuration[name] = asked.suggest_categorical(f"{adapter}/{name}", choices)
        if adapter in self.left_out or design.conflict(sweep, load_spec(adapter), configuration):
            self.study.tell(asked, state=TrialState.PRUNED)
            return None
        seed = asked.user_attrs.get("seed", sweep.seed_list[asked.number % len(sweep.seed_list)])
        trial = design.trial(sweep, adapter, Row(configuration), seed)
        same = [done for done in self._in_state(TrialState.COMPLETE) if done.user_attrs.get("identity") == trial.identity]
        asked.set_user_attr("identity", trial.identity)
        asked.set_user_attr("seed", seed)
        if same:
            self._settle(asked, _outcome(same[0]), same[0].values)
            return None
        if trial.identity in self.running:  # the same cell is running: let the sampler know nothing of this draw
            self.study.tell(asked, state=TrialState.PRUNED)
            return None
        self.running[trial.identity] = asked
        return trial

    def finish(self, trial: Trial, outcome: Event) -> None:
        """Keep a trial's outcome."""
        self._tell(self.running.pop(trial.identity), outcome)

    def _tell(self, asked: optuna.Trial, outcome: Event) -> None:
        metrics = outcome["metrics"]
        values = None if outcome["kind"] == FAILED else [metrics["accuracy"], metrics["train_seconds"]]
        self._settle(asked, outcome["kind"], values)

    def _settle(self, asked: optuna.Trial, kind: str | None, values: list[float] | None) -> None:
        if kind != COMPLETED:  # which the state says: one write to the ledger, not two
            asked.set_user_attr("outcome", kind)
        self.study.tell(asked, values, state=None if values else TrialState.FAIL)

    def outcomes(self) -> dict[str, int]:
        """{outcome: how many trials}."""
        kinds = [_outcome(trial) for trial in self.study.get_trials(deepcopy=False)]
        return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds) if kind}

    def remaining(self) -> int:
        """How many trials have no outcome yet."""
        if self.searching:
            return (self.plan.sweep.trials or 0) - sum(self.outcomes().values())
        return len(self.plan.order) - sum(self.outcomes().values())


def _outcome(trial: FrozenTrial) -> str | None:
    """The outcome of a trial; None while it has none, and of one that was put back in the queue."""
    kind: str | None = trial.user_attrs.get("outcome", COMPLETED if trial.state == TrialState.COMPLETE else None)
    return kind


def _waiting(trial: Trial, row: int) -> FrozenTrial:
    choices: dict[str, Any] = {"adapter": trial.adapter, **trial.configuration}
    return create_trial(
        state=TrialState.WAITING,
        params=choices,
        distributions={name: CategoricalDistribution([choice]) for name, choice in choices.items()},
        user_attrs={"identity": trial.identity, "row": row, "seed": trial.seed},
    )
