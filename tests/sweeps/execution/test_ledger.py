"""The ledger: each trial once, outcomes kept, interrupted trials handed out again, and a search that samples."""

import importlib.util
import os
import subprocess
import sys
import time
from concurrent.futures import Future

import pytest
from optuna.exceptions import StorageInternalError

from experiments.errors import LedgerError, SweepError
from experiments.locations import PROJECT
from experiments.recording import recorder, store
from experiments.recording.recorder import Recorder
from sweeps.console import Terminal
from sweeps.execution import driver, scheduler, storage
from sweeps.execution.ledger import open_ledger
from sweeps.execution.storage import JournalLock, Lease, Storage
from sweeps.planning import config, planner
from sweeps.state import SweepFolder
from tests.conftest import skip

FILE = {
    "name": "ledger",
    "workload": {"name": "digits_cnn"},
    "adapters": ["reference"],
    "design": "factorial",
    "settings": {"init": ["glorot_uniform", "lecun_normal"], "relu": ["before_pool", "after_pool"]},
    "seeds": 2,  # four rows a seed, and one of them again
}


def outcome(kind="completed", accuracy=0.5):
    return {"event": "outcome", "kind": kind, "metrics": {"accuracy": accuracy, "train_seconds": 1.0}}


def always(adapter):
    return True


@pytest.fixture
def ledger(tmp_path):
    def make(recorded=None, **change):
        storage = Storage(Lease(tmp_path, "ledger/1"))
        sweep = config.parse({**FILE, **change}, "f")
        made = open_ledger(sweep, planner.plan(sweep), storage, "ledger/1")
        made.prepare((recorded or {}).get)
        return made

    return make


def drain(made, kind="completed", limit=1000):
    identities = []
    while len(identities) < limit and (trial := made.next(always)):
        identities.append(trial.identity)
        made.finish(trial, outcome(kind))
    return identities


def test_every_planned_trial_once_in_order(ledger):
    made = ledger()
    assert made.remaining() == 10
    assert drain(made) == [trial.identity for trial in made.plan.order]
    assert made.next(always) is None and made.remaining() == 0 and made.outcomes() == {"completed": 10}


def test_a_second_driver_goes_on_where_the_first_was_killed(ledger):
    first = ledger()
    done = drain(first, limit=3)
    cut_off = [first.next(always).identity, first.next(always).identity]
    second = ledger()
    assert second.remaining() == 7
    rest = drain(second)
    assert sorted(done + rest) == sorted(trial.identity for trial in second.plan.order)
    assert set(cut_off) < set(rest) and second.outcomes() == {"completed": 10}
    assert ledger().next(always) is None


def test_an_outcome_that_was_recorded_but_not_told_is_not_repeated(ledger):
    first = ledger()
    cut_off = first.next(always).identity
    second = ledger({cut_off: outcome(accuracy=0.9)})
    assert second.remaining() == 9 and cut_off not in drain(second)


def test_a_trial_that_is_lost_before_it_starts_is_a_failure(ledger, tmp_path):
    class Silent:
        def record(self, record, event): ...

    made, folder = ledger(), SweepFolder(tmp_path, "ledger", 1)
    trial = made.next(always)
    driver._take(trial, scheduler._lost(RuntimeError("node lost")), folder, made, Silent())
    assert made.outcomes() == {"failed": 1}
    assert folder.record(trial).outcome()["error"] == "the node or its Ray worker was lost: node lost"


class LateRecorder:
    """A recorder whose process comes to run when all is over: the machine is busy."""

    def __init__(self, *arguments):
        self.arguments, self.items = arguments, []

    def record(self, *item):
        self.items.append(item)

    def close(self):
        late = Recorder(*self.arguments)
        for item in self.items:
            late.record(*item)
        return late.close()


class NoCluster:
    """Trials that end at once."""

    own = False

    def __init__(self, resources): ...

    def __enter__(self):
        return self

    def __exit__(self, *_): ...

    def check(self, adapters, wait): ...

    def run(self, next_trial, hopeless):
        while trial := next_trial(always):
            yield trial, {"event": "started", "time": 1.0, "host": "here", "devices": "cpu"}
            yield trial, {**outcome(), "time": 2.0, "error": "", "fault": ""}


def test_a_trial_that_was_cut_off_has_one_run_however_late_the_recorder(ledger, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(recorder, "Recorder", LateRecorder)
    monkeypatch.setattr(driver, "Cluster", NoCluster)
    folder, first = SweepFolder(tmp_path, "ledger", 1), ledger()
    done, cut_off = first.next(always), first.next(always)
    folder.record(cut_off).create(cut_off)
    driver._take(done, {**outcome(), "time": 2.0, "error": "", "fault": ""}, folder, first, LateRecorder())
    second = ledger()
    mlflow = store.open_sweep(tmp_path, folder.path, "ledger", "sweep ledger/1", {"sweep": "ledger/1"})
    opening = Future()
    opening.set_result(mlflow)
    driver._run_trials(second.sweep, folder, second, opening, Terminal(quiet=True))
    runs = [run.data.tags["trial"] for run in store.trial_runs(store.connect(mlflow.uri), mlflow)]
    assert sorted(runs) == sorted(trial.identity for trial in second.plan.order)


def test_failures_and_divergences_are_outcomes(ledger):
    made = ledger()
    made.finish(made.next(always), {"event": "outcome", "kind": "failed", "metrics": {}})
    made.finish(made.next(always), outcome("diverged", 0.1))
    assert made.outcomes() == {"failed": 1, "diverged": 1} and made.remaining() == 8
    assert ledger().remaining() == 8


def test_another_plan_in_the_same_ledger_is_refused(ledger):
    drain(ledger(), limit=1)
    with pytest.raises(LedgerError, match="--fresh"):
        ledger(seeds=[7, 8])


def test_a_longer_plan_goes_on(ledger):
    drain(ledger())
    assert ledger(seeds=3).remaining() == 5


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "random"])
def test_a_search_samples_and_repeats_no_cell(ledger, sampler):
    made = ledger(design="search", trials=4, sampler=sampler, seeds=[0])
    identities = drain(made)
    assert 1 <= len(identities) <= 4 and len(set(identities)) == len(identities)
    assert made.remaining() == 0 and made.outcomes() == {"completed": 4}


def test_a_sampler_whose_package_is_missing_is_one_line(ledger, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LedgerError, match=r"install rosetta-sweep\[gp\]"):
        ledger(design="search", trials=4, sampler="gp")


def test_a_gaussian_process_samples(built, tmp_path):
    """With the adapter's PyTorch, which this program's own environment lacks."""
    (packages,) = built("pytorch").folder.glob("lib/python*/site-packages")
    if packages.parent.name != f"python{sys.version_info.major}.{sys.version_info.minor}":
        skip(
            f"PyTorch for Python {sys.version_info.major}.{sys.version_info.minor}",
            f"run the tests with {packages.parent.name}",
        )
    code = f"""
import sys; sys.path.append({str(packages)!r})
from pathlib import Path
from sweeps.planning import config, planner
from sweeps.execution.storage import Lease, Storage
from sweeps.execution.ledger import open_ledger
from tests.sweeps.execution.test_ledger import FILE, drain
file = {{**FILE, "design": "search", "trials": 14, "sampler": "gp", "seeds": 20}}
sweep = config.parse(file, "f")
made = open_ledger(sweep, planner.plan(sweep), Storage(Lease(Path({str(tmp_path)!r}), "gp/1")), "gp/1")
made.prepare({{}}.get)
drain(made)
print(made.outcomes(), "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, timeout=300)
    assert done.stdout.strip() == "{'completed': 14} True", done.stderr


def epochs(made, trial, accuracies):
    """Whether the trial is hopeless, epoch by epoch."""
    return [
        made.should_prune(trial, {"event": "epoch", "epoch": epoch, "accuracy": accuracy})
        for epoch, accuracy in enumerate(accuracies)
    ]


def test_a_search_prunes_what_learns_more_slowly_than_half_of_the_others(ledger):
    file = {
        "design": "search",
        "trials": 20,
        "pruner": "median",
        "seeds": 20,
        "workload": {"name": "digits_cnn", "epochs": 3},
    }
    made = ledger(**file)
    for number in range(5):  # too few to judge by
        trial = made.next(always)
        assert not any(epochs(made, trial, [0.5, 0.7 + number / 100, 0.9]))
        made.finish(trial, outcome(accuracy=0.9))
    good, slow, late = (made.next(always) for _ in range(3))
    assert epochs(made, good, [0.5, 0.72, 0.9]) == [False, False, False]
    assert epochs(made, slow, [0.6, 0.6]) == [False, True]
    assert epochs(made, late, [0.5, 0.8, 0.1]) == [False, False, False]  # there is nothing left to save
    made.finish(slow, {"event": "outcome", "kind": "pruned", "metrics": {}})
    assert made.outcomes() == {"completed": 5, "pruned": 1} and made.remaining() == 14
    again = ledger(**file)  # a second driver knows what the first one learned
    assert epochs(again, again.next(always), [0.4]) == [True]


def test_a_search_without_a_pruner_prunes_nothing(ledger):
    made = ledger(design="search", trials=20, seeds=20, workload={"name": "digits_cnn", "epochs": 3})
    for accuracy in (0.9,) * 6 + (0.1,):
        trial = made.next(always)
        assert not any(epochs(made, trial, [accuracy] * 3))
        made.finish(trial, outcome(accuracy=accuracy))


def test_a_search_goes_on_where_it_stopped(ledger):
    first = ledger(design="search", trials=4, seeds=[0, 1, 2, 3])
    done = drain(first, limit=2)
    cut_off = first.next(always)
    second = ledger(design="search", trials=4, seeds=[0, 1, 2, 3])
    assert second.remaining() == 2
    rest = drain(second)
    assert cut_off.identity in rest and not set(done) & set(rest)
    assert second.outcomes() == {"completed": 4}


def test_a_search_larger_than_its_space_ends(ledger):
    made = ledger(design="search", trials=50, seeds=[0])
    assert len(drain(made)) == 4 and made.remaining() == 0


def test_a_search_runs_a_failed_cell_once(ledger):
    made = ledger(design="search", trials=50, seeds=[0])
    assert len(drain(made, "failed")) == 4 and made.outcomes() == {"failed": 50}


def test_a_search_never_runs_choices_that_conflict(ledger):
    settings = {"layout": ["nchw", "nhwc"], "compile": ["eager", "graph"]}
    made = ledger(design="search", trials=8, adapters=["tensorflow"], settings=settings, seeds=[0, 1, 2, 3])
    pairs = set()
    while (trial := made.next(always)) is not None:
        pairs.add((trial.configuration["layout"], trial.configuration["compile"]))
        made.finish(trial, outcome())
    assert made.outcomes() == {"completed": 8}
    assert ("nchw", "eager") not in pairs and len(pairs) > 1


def test_a_search_draws_no_pictures_that_are_too_small(ledger):
    made = ledger(
        design="search", trials=6, settings={"conv_padding": ["same", "valid"], "relu": ["before_pool", "after_pool"]}
    )
    drawn = set()
    while (trial := made.next(always)) is not None:
        drawn.add(trial.configuration["conv_padding"])
        made.finish(trial, outcome())
    assert drawn == {"same"} and made.outcomes() == {"completed": 6}


def test_a_search_of_which_every_cell_runs_waits(ledger):
    made = ledger(design="search", trials=4, settings={"relu": ["before_pool"]}, seeds=[0])
    running = made.next(always)
    assert made.next(always) is None
    made.finish(running, outcome())
    assert made.next(always) is None and made.remaining() == 0


def test_a_search_that_could_draw_nothing_is_refused(ledger):
    with pytest.raises(SweepError, match="nothing to draw for reference"):
        ledger(design="search", trials=4, fixed={"conv_padding": "valid"})


def test_a_trial_is_handed_out_when_there_is_room_for_its_adapter(ledger):
    made = ledger(adapters=["reference", "pytorch"], seeds=1)
    first = made.next(lambda adapter: adapter == "pytorch")
    assert first.adapter == "pytorch" and made.next(lambda adapter: False) is None
    assert made.remaining() == 10  # handed out, not done


def test_a_journal_that_was_cut_off_in_mid_line_is_read_and_written_on(ledger, tmp_path):
    done = drain(ledger(), limit=4)
    journal = tmp_path / "ledger.journal"
    os.truncate(journal, journal.stat().st_size - 20)
    made = ledger()
    assert made.remaining() == 7 and drain(made)[0] == done[3]
    assert ledger().remaining() == 0


def test_a_lock_on_the_journal_dies_with_its_process(tmp_path):
    code = (
        "import os; from pathlib import Path; from sweeps.execution.storage import JournalLock\n"
        f"JournalLock(Path({str(tmp_path / 'j')!r})).acquire(); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, timeout=60)
    start = time.monotonic()
    assert JournalLock(tmp_path / "j").acquire() and time.monotonic() - start < 1


def test_a_ledger_that_is_away_for_a_while_is_waited_for(ledger, monkeypatch):
    made, calls = ledger(seeds=1), []

    def adding(trial, add=made.study.add_trial):
        calls.append(trial)
        if len(calls) == 1:
            add(trial)  # taken, but the answer is lost
        if len(calls) < 3:
            raise StorageInternalError("the server went away")
        add(trial)

    monkeypatch.setattr(made.study, "add_trial", adding)
    first, second = made.next(always), made.next(always)
    made.finish(first, outcome())
    assert len(calls) == 1 and made.outcomes() == {"completed": 1}
    made.finish(second, outcome())
    assert len(calls) == 3 and made.outcomes() == {"completed": 2}


def test_a_ledger_that_stays_away_is_one_line(ledger, monkeypatch):
    made = ledger(seeds=1)
    monkeypatch.setattr(storage, "PATIENCE", 0.5)
    monkeypatch.setattr(made.study, "add_trial", lambda trial: (_ for _ in ()).throw(StorageInternalError("gone")))
    with pytest.raises(LedgerError, match="could not be reached for .* minutes: gone; completed trials are saved"):
        made.finish(made.next(always), outcome())


def test_rows_of_several_choices_go_into_a_database(ledger, tmp_path, monkeypatch):
    monkeypatch.setenv("ROSETTA_LEDGER", f"sqlite:///{tmp_path / 'ledger.db'}")
    assert len(drain(ledger())) == 10
    assert ledger(seeds=3).remaining() == 5
