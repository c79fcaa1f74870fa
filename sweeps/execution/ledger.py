"""The ledger: an Optuna study that stores each trial's outcome and returns the trials that have none.

A planned trial enters the study together with its outcome, in one write. So a driver that is killed leaves no
half-written trial. A search asks the study for its trials, so they are in the study from their start.
"""

import importlib.util
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from experiments.errors import LedgerError
from experiments.trials.trial import COMPLETED, TRAINED, Event, Trial
from sweeps.execution.pruning import Pruning
from sweeps.execution.storage import Storage
from sweeps.planning.cells import Row
from sweeps.planning.config import Sweep
from sweeps.planning.plan import Plan
from sweeps.planning.planner import cells_of

optuna.logging.set_verbosity(optuna.logging.WARNING)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


def _gaussian_process(seed: int) -> BaseSampler:
    if not importlib.util.find_spec("torch"):  # Optuna imports it only after ten trials
        raise LedgerError(
            "sampler gp needs PyTorch in the environment of this program: install rosetta-sweep[gp], "
            "or use sampler tpe, nsga2 or random"
        )
    return optuna.samplers.GPSampler(seed=seed)


SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed, n_startup_trials=8, constant_liar=True),
    "nsga2": lambda seed: optuna.samplers.NSGAIISampler(seed=seed),
    "gp": _gaussian_process,
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}
DRAWS = 200  # a search then waits for running trials: all draws conflict, are skipped or are running

Recorded = Callable[[str], Event | None]
Fits = Callable[[str], bool]  # whether a trial of this adapter fits on the cluster now


def open_ledger(sweep: Sweep, plan: Plan, storage: Storage, name: str) -> "Ledger":
    """The ledger of a sweep. Raises LedgerError if it can't be opened."""
    return (SearchLedger if plan.sampled else PlannedLedger)(sweep, plan, storage, name)


class Ledger:
    """Returns the trials of a plan, each exactly once, and stores their outcomes."""

    def __init__(self, sweep: Sweep, plan: Plan, storage: Storage, name: str):
        self.sweep, self.plan, self.storage = sweep, plan, storage
        self.study = storage.with_retries(lambda _: self._create(name))

    def _create(self, name: str) -> optuna.Study:
        return optuna.create_study(
            study_name=name,
            storage=self.storage.backend,
            sampler=SAMPLERS[self._sampler()](len(name) + len(self.sweep.adapters)),
            directions=["maximize", "minimize"],
            load_if_exists=True,
        )

    def _sampler(self) -> str:
        return "random"  # unused where trials are planned

    def prepare(self, recorded: Recorded) -> None:
        """Resume after an earlier driver.

        recorded: returns the outcome in a trial's record, by the trial's identity; the ledger may not have it yet.
        Raises LedgerError if the study belongs to another plan.
        """
        raise NotImplementedError

    def skip(self, adapters: Iterable[str]) -> None:
        """Return no trials of these adapters. Their trials get no outcome, so a later driver can run them."""
        raise NotImplementedError

    def next(self, fits: Fits) -> Trial | None:
        """A trial to start now, or None."""
        raise NotImplementedError

    def should_prune(self, trial: Trial, epoch: Event) -> bool:
        """Whether to stop a running trial after this epoch."""
        return False

    def finish(self, trial: Trial, outcome: Event) -> None:
        """Store a trial's outcome."""
        raise NotImplementedError

    @property
    def planned(self) -> int:
        """The number of trials in the sweep."""
        return self.plan.planned

    def outcomes(self) -> dict[str, int]:
        """{outcome: number of trials}."""
        kinds = [_outcome(trial) for trial in self._trials()]
        return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds) if kind}

    def remaining(self) -> int:
        """The number of trials without an outcome."""
        return self.planned - sum(self.outcomes().values())

    def finished(self) -> set[str]:
        """The identities of the trials that have an outcome."""
        return {trial.user_attrs["identity"] for trial in self._trials() if _outcome(trial)}

    def _trials(self, *states: TrialState) -> list[FrozenTrial]:
        return self.storage.with_retries(lambda _: self.study.get_trials(deepcopy=False, states=states or None))

    def _known(self) -> set[str]:
        return {trial.user_attrs["identity"] for trial in self._trials() if "identity" in trial.user_attrs}


class PlannedLedger(Ledger):
    """The trials of a plan, in its order."""

    def prepare(self, recorded: Recorded) -> None:
        known, planned = self._known(), {trial.identity: trial for trial in self.plan.order}
        if not known <= planned.keys():
            raise LedgerError(
                f"sweep '{self.sweep.name}' was started with other adapters, environments or settings; "
                f"start a new run of it with --fresh (make sweep FRESH=1); earlier results are kept"
            )
        self.waiting = {identity: trial for identity, trial in planned.items() if identity not in known}
        for identity, outcome in [(identity, found) for identity in self.waiting if (found := recorded(identity))]:
            self.finish(self.waiting.pop(identity), outcome)

    def skip(self, adapters: Iterable[str]) -> None:
        out = set(adapters)
        self.waiting = {identity: trial for identity, trial in self.waiting.items() if trial.adapter not in out}

    def next(self, fits: Fits) -> Trial | None:
        able = {adapter for adapter in self.sweep.adapters if fits(adapter)}
        found = next((trial for trial in self.waiting.values() if trial.adapter in able), None) if able else None
        return self.waiting.pop(found.identity) if found else None

    def finish(self, trial: Trial, outcome: Event) -> None:
        finished = _finished(trial, outcome)

        def add(again: bool) -> None:
            written = again and trial.identity in self._known()  # the first write may have succeeded
            if not written:
                self.study.add_trial(finished)

        self.storage.with_retries(add)


class SearchLedger(Ledger):
    """The trials of a search, drawn by the study's sampler."""

    def _sampler(self) -> str:
        name: str = self.sweep.design.options.sampler
        return name

    def prepare(self, recorded: Recorded) -> None:
        self.cells = cells_of(self.sweep)
        self.skipped: set[str] = set()
        self.running: dict[str, optuna.Trial] = {}  # by identity
        for trial in self._trials(TrialState.RUNNING):
            identity = trial.user_attrs.get("identity", "")
            if outcome := recorded(identity):
                self._tell(optuna.Trial(self.study, trial._trial_id), outcome)
            else:
                self._requeue(trial)
        curves = [trial.user_attrs.get("curve", []) for trial in self._trials(TrialState.COMPLETE)]
        self.pruning = Pruning(self.sweep.design.options.pruner, curves)

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

    def skip(self, adapters: Iterable[str]) -> None:
        self.skipped = set(adapters)

    def next(self, fits: Fits) -> Trial | None:
        if not any(map(fits, self.sweep.adapters)):
            return None
        for _ in range(DRAWS):
            if self._started() >= self.planned:
                return None
            if trial := self.storage.with_retries(lambda _: self._sample()):
                return trial
        return None

    def _started(self) -> int:
        done = self._trials(TrialState.COMPLETE, TrialState.RUNNING, TrialState.FAIL)
        replaced = {trial.user_attrs.get("replaces") for trial in self._trials()}
        return sum(trial.number not in replaced and "identity" in trial.user_attrs for trial in done)

    def _sample(self) -> Trial | None:
        """Draw a trial. None if it need not run: a skipped adapter, conflicting choices, or a known outcome."""
        draw = self.study.ask()
        adapter = draw.suggest_categorical("adapter", list(self.sweep.adapters))
        cells, seeds = self.cells[adapter], self.sweep.seeds
        configuration = dict(cells.baseline)
        for name, choices in cells.choices.items():
            configuration[name] = draw.suggest_categorical(f"{adapter}/{name}", choices)
        if adapter in self.skipped or cells.conflict(configuration):
            self.study.tell(draw, state=TrialState.PRUNED)
            return None
        seed = draw.user_attrs.get("seed", seeds[draw.number % len(seeds)])
        trial = self.sweep.trial(adapter, Row(configuration), seed)
        draw.set_user_attr("identity", trial.identity)
        draw.set_user_attr("seed", seed)
        return self._start(draw, trial)

    def _start(self, draw: optuna.Trial, trial: Trial) -> Trial | None:
        same = [done for done in self._trials() if _outcome(done) and done.user_attrs["identity"] == trial.identity]
        if same:
            self._settle(draw, _outcome(same[0]), same[0].values)
            return None
        if trial.identity in self.running:  # the sampler must not learn from a second draw of a running trial
            self.study.tell(draw, state=TrialState.PRUNED)
            return None
        self.running[trial.identity] = draw
        return trial

    def should_prune(self, trial: Trial, epoch: Event) -> bool:
        return self.pruning.should_prune(trial, epoch)

    def finish(self, trial: Trial, outcome: Event) -> None:
        draw = self.running.pop(trial.identity)
        curve = self.pruning.finish(trial, outcome["kind"] == COMPLETED)
        if curve and self.sweep.design.options.pruner != "none":
            self.storage.with_retries(lambda _: draw.set_user_attr("curve", curve))
        self.storage.with_retries(lambda _: self._tell(draw, outcome))

    def _tell(self, draw: optuna.Trial, outcome: Event) -> None:
        self._settle(draw, outcome["kind"], _values(outcome))

    def _settle(self, draw: optuna.Trial, kind: str | None, values: list[float] | None) -> None:
        if kind != COMPLETED:  # the study's state implies "completed", which saves a write
            draw.set_user_attr("outcome", kind)
        self.study.tell(draw.number, values, state=None if values else TrialState.FAIL, skip_if_finished=True)


def _values(outcome: Event) -> list[float] | None:
    """The objectives of a search: accuracy and time. None for a trial that did not finish training."""
    metrics = outcome["metrics"]
    return [metrics["accuracy"], metrics["train_seconds"]] if outcome["kind"] in TRAINED else None


def _outcome(trial: FrozenTrial) -> str | None:
    """The outcome of a trial; None if it has none or was queued again."""
    kind: str | None = trial.user_attrs.get("outcome", COMPLETED if trial.state == TrialState.COMPLETE else None)
    return kind


def _finished(trial: Trial, outcome: Event) -> FrozenTrial:
    """A finished trial for the study, described by attributes.

    As parameters, its choices would need one distribution for this plan and all later ones.
    """
    values = _values(outcome)
    row: dict[str, Any] = {"adapter": trial.adapter, "configuration": trial.configuration, "seed": trial.seed}
    return create_trial(
        state=TrialState.COMPLETE if values else TrialState.FAIL,
        values=values,
        user_attrs={"identity": trial.identity, "outcome": outcome["kind"], **row},
    )
