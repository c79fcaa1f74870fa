"""The driver: runs a sweep, or resumes it where an earlier driver stopped."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.errors import SweepError, TrackingError
from experiments.locations import cache
from experiments.preparation import datasets
from experiments.trials.records import TrialRecord, revision, without_files
from experiments.trials.trial import Event, Trial
from sweeps.console import Terminal
from sweeps.execution import certification, node
from sweeps.execution.ledger import Ledger, open_ledger
from sweeps.execution.progress import SweepProgress
from sweeps.execution.scheduler import Cluster
from sweeps.execution.storage import Storage, lease
from sweeps.planning import plan as plans
from sweeps.planning import planner
from sweeps.planning.config import Sweep
from sweeps.state import SweepFolder, open_folder

if TYPE_CHECKING:
    from experiments.recording.recorder import Recorder
    from experiments.recording.store import SweepRun


def run(sweep: Sweep, home: Path, fresh: bool, console: Terminal) -> dict[str, Any]:
    """Run or resume a sweep and return the report's summary. Raises RosettaError; passes KeyboardInterrupt on."""
    plan = planner.plan(sweep)
    folder = open_folder(home, sweep.name, fresh)
    with lease(folder.path, folder.title) as held, ThreadPoolExecutor(1) as background:
        ledger = open_ledger(sweep, plan, Storage(held), folder.title)
        ledger.prepare(folder.outcome)
        new = ledger.remaining() == ledger.planned
        if new:  # otherwise both files exist; for ten thousand trials, writing them takes a second
            plan.write(folder.plan)
            folder.sweep.write_text(sweep.text())
        opening = background.submit(_open_tracking, folder, plan.design, [folder.plan, folder.sweep] if new else [])
        with _killed_if_interrupted(opening):
            if ledger.remaining():
                unavailable, written = _run_trials(sweep, folder, ledger, opening, console)
            else:
                console.print(f"Sweep '{sweep.name}' is complete: nothing to run.")
                unavailable, written = {}, False
            plan.model_copy(update={"unavailable": unavailable}).write(folder.plan)
            return _publish(sweep, folder, opening.result(), written, console)


def _publish(sweep: Sweep, folder: SweepFolder, mlflow: "SweepRun", written: bool, console: Terminal) -> dict[str, Any]:
    """Bring MLflow up to date and write the report; returns its summary. written: whether MLflow has all runs."""
    from experiments.recording import store, writer
    from sweeps.reporting import publish  # late: takes seconds to import; trials need not wait

    if not written:
        writer.reconcile(mlflow, folder.records())
    store.log_files(mlflow, [folder.plan, folder.sweep, *node.copy_certificates(sweep, folder)])
    summary = publish.write_report(mlflow, folder, console)
    store.close_sweep(mlflow, "FINISHED")
    return summary


def _open_tracking(folder: SweepFolder, design: str, files: Iterable[Path] = ()) -> "SweepRun":
    from experiments.recording import store  # late: mlflow takes seconds to import; Ray starts meanwhile

    tags = {"sweep": folder.title, "design": design, "revision": revision()}
    mlflow = store.open_sweep(folder.home, folder.path, folder.name, f"sweep {folder.title}", tags)
    store.log_files(mlflow, files)
    return mlflow


@contextmanager
def _killed_if_interrupted(opening: "Future[SweepRun]") -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(TrackingError):  # the original error is the one to report
            mlflow = opening.result()
            from experiments.recording import store

            store.close_sweep(mlflow, "KILLED")
        raise


def _run_trials(
    sweep: Sweep, folder: SweepFolder, ledger: Ledger, opening: "Future[SweepRun]", console: Terminal
) -> tuple[dict[str, str], bool]:
    """Run the ledger's trials; returns {adapter: why this machine can't run it}, and whether MLflow has all runs."""
    left, wait = ledger.remaining(), _node_timeout()
    # Listed before any trial runs: the recorder writes these later, and events of running trials as they arrive.
    finished = ledger.finished()
    past = [record for record in folder.records() if record.folder.name in finished]
    with ThreadPoolExecutor(1) as background:
        recording = background.submit(_start_recorder, opening, past)
        try:
            with Cluster(sweep.resources) as cluster:
                recorder = recording.result()
                if wait:
                    cluster.ask_for_nodes(list(sweep.adapters), left)
                cluster.check(sweep.adapters, wait)
                unavailable = _prepare(sweep, console) if cluster.own else {}
                ledger.skip(unavailable)
                with SweepProgress(console, ledger.planned, ledger.planned - left) as progress:
                    for trial, event in cluster.run(ledger.next, ledger.should_prune):
                        _take(trial, event, folder, ledger, recorder)
                        progress.show(trial, event)
        finally:
            written = recording.result().close()
    if not written:
        console.say("MLflow could not be reached for some time; writing the missing runs.", "yellow")
    return unavailable, written


def _prepare(sweep: Sweep, console: Terminal) -> dict[str, str]:
    """Prepare this machine for all trials; returns {adapter: why this machine can't run it}.

    Raises EnvironmentFailed, NotCertified or DatasetError if every trial would fail.
    """
    unavailable = node.build_environments(sweep.adapters.values(), sweep.device, console)[1]
    if not sweep.unverified:
        certification.complete(sweep, unavailable, console)
    datasets.prepare(sweep.workload.dataset, cache())
    return unavailable


def _start_recorder(opening: "Future[SweepRun]", past: list[TrialRecord]) -> "Recorder":
    from experiments.recording import recorder  # late, as above

    return recorder.Recorder(opening.result(), past)


def _node_timeout() -> float:
    """Seconds to wait for a cluster's first node, from the minutes in ROSETTA_WAIT_FOR_NODES. Raises SweepError."""
    given = os.environ.get("ROSETTA_WAIT_FOR_NODES") or "0"
    try:
        return 60 * float(given)
    except ValueError:
        raise SweepError(f"ROSETTA_WAIT_FOR_NODES is '{given}'; give minutes, as a number, such as 10") from None


def sync(folder: SweepFolder) -> int:
    """Bring MLflow up to date with a sweep's records; returns the number of runs written or deleted, parent included.

    Raises LedgerError if a driver runs the sweep: it writes to MLflow itself.
    """
    from experiments.recording import store, writer

    with lease(folder.path, folder.title):
        ended = store.ended_sweep(folder.home, folder.path, folder.name)
        if ended and not (changed := writer.reconcile(ended, folder.records())):
            return 0
        plan = plans.read(folder.plan)
        mlflow = _open_tracking(folder, plan.design)
        changed = changed if ended else 1 + writer.reconcile(mlflow, folder.records())
        store.log_files(mlflow, folder.attached())
        store.close_sweep(mlflow, "FINISHED" if len(folder.outcomes()) == plan.planned else "KILLED")
    return changed


def _take(trial: Trial, event: Event, folder: SweepFolder, ledger: Ledger, recorder: "Recorder") -> None:
    """Save an event: first on disk, then in the ledger, then in MLflow."""
    record = folder.record(trial)
    if event["event"] == "started" or not record.exists:  # a trial may be lost before its "started" event
        record.create(trial)
    record.append(event)
    if event["event"] == "outcome":
        ledger.finish(trial, event)
    recorder.record(record, without_files(event))
