"""The driver: runs a sweep to its end, and takes it up again where an earlier driver stopped."""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from adapters import load_spec
from experiments.errors import EnvironmentFailed, SweepError, TrackingError
from experiments.locations import cache
from experiments.preparation import certificates, datasets
from experiments.preparation.environments import Environment
from experiments.trials.records import TrialRecord, revision, without_files
from experiments.trials.trial import Event, Trial
from sweeps.console import Terminal
from sweeps.execution.ledger import Ledger, open_ledger
from sweeps.execution.progress import SweepProgress
from sweeps.execution.scheduler import Cluster
from sweeps.execution.storage import Storage, lease
from sweeps.planning import planner
from sweeps.planning.config import Sweep
from sweeps.state import CERTIFICATE, SweepFolder, open_folder

if TYPE_CHECKING:
    from experiments.recording.recorder import Recorder
    from experiments.recording.store import SweepRun


def run(sweep: Sweep, home: Path, fresh: bool, console: Terminal) -> dict[str, Any]:
    """Run a sweep to its end and return the report's summary. Raises RosettaError; KeyboardInterrupt passes through."""
    plan = planner.plan(sweep)
    folder = open_folder(home, sweep, fresh)
    with lease(folder.path, folder.title) as held, ThreadPoolExecutor(1) as aside:
        ledger = open_ledger(plan, Storage(held), folder.title)
        ledger.prepare(folder.outcome)
        untouched = (
            ledger.remaining() == ledger.planned
        )  # later both files are there; of ten thousand trials they take a second
        if untouched:
            folder.plan.write_text(json.dumps(plan.as_dict(), indent=1))
            folder.sweep.write_text(sweep.text())
        opening = aside.submit(_open_tracking, folder, sweep.design, [folder.plan, folder.sweep] if untouched else [])
        with _killed_if_cut_off(opening):
            if ledger.remaining():
                holes, written = _run_trials(sweep, folder, ledger, opening, console)
            else:
                console.print(f"Sweep '{sweep.name}' is complete: nothing to run.")
                holes, written = {}, False
            folder.plan.write_text(json.dumps({**plan.as_dict(), "holes": holes}, indent=1))
            return _publish(sweep, folder, opening.result(), written, console)


def _publish(sweep: Sweep, folder: SweepFolder, mlflow: "SweepRun", written: bool, console: Terminal) -> dict[str, Any]:
    """Write what MLflow lacks, unless the recorder has written it all, then the report; returns the report's summary."""
    from experiments.recording import store, writer
    from sweeps.reporting import publish  # late: trials don't wait for what draws

    if not written:
        writer.reconcile(mlflow, folder.records())
    store.log_files(mlflow, [folder.plan, folder.sweep, *_certificates(sweep, folder)])
    summary = publish.write_report(mlflow, folder, console)
    store.close_sweep(mlflow, "FINISHED")
    return summary


def _open_tracking(folder: SweepFolder, design: str, files: Iterable[Path] = ()) -> "SweepRun":
    from experiments.recording import store  # late: mlflow takes seconds to import, in which Ray starts

    tags = {"sweep": folder.title, "design": design, "revision": revision()}
    mlflow = store.open_sweep(folder.home, folder.path, folder.name, f"sweep {folder.title}", tags)
    store.log_files(mlflow, files)
    return mlflow


@contextmanager
def _killed_if_cut_off(opening: "Future[SweepRun]") -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(TrackingError):  # the reason why it ends is another
            mlflow = opening.result()
            from experiments.recording import store

            store.close_sweep(mlflow, "KILLED")
        raise


def _run_trials(
    sweep: Sweep, folder: SweepFolder, ledger: Ledger, opening: "Future[SweepRun]", console: Terminal
) -> tuple[dict[str, str], bool]:
    """Run what the ledger hands out; returns {adapter: why this machine can't run it}, and whether MLflow took everything."""
    left, wait = ledger.remaining(), _patience()
    finished = (
        ledger.finished()
    )  # decided now: the recorder takes its time, and what runs until then is written as it happens
    past = [record for record in folder.records() if record.folder.name in finished]
    with ThreadPoolExecutor(1) as aside:
        recording = aside.submit(_start_recorder, opening, past)
        try:
            with Cluster(sweep.resources) as cluster:
                recorder = recording.result()
                if wait:
                    cluster.ask_for_nodes(sweep.adapters, left)
                cluster.check(sweep.adapters, wait)
                holes = _prepare_node(sweep, console) if cluster.own else {}
                ledger.leave_out(holes)
                with SweepProgress(console, ledger.planned, ledger.planned - left) as progress:
                    for trial, event in cluster.run(ledger.next, ledger.hopeless):
                        _take(trial, event, folder, ledger, recorder)
                        progress.show(trial, event)
        finally:
            written = recording.result().close()
    if not written:
        console.say("MLflow was away for a while; writing what it lacks.", "yellow")
    return holes, written


def _prepare_node(sweep: Sweep, console: Terminal) -> dict[str, str]:
    """Make what all trials need before any runs, where they run on this machine alone; returns {adapter: why it can't be had}.

    Raises EnvironmentFailed, NotCertified or DatasetError: every trial would fail of it.
    """
    holes = build_environments(sweep.adapters, sweep.resources.device, console)[1]
    _check_certificates(sweep, holes)
    datasets.prepare(sweep.workload.resolve().dataset, cache())
    return holes


def _start_recorder(opening: "Future[SweepRun]", past: list[TrialRecord]) -> "Recorder":
    from experiments.recording import recorder  # late, as above

    return recorder.Recorder(opening.result(), past)


def _patience() -> float:
    """Seconds to wait for a cluster's first node: ROSETTA_WAIT_FOR_NODES, in minutes. Raises SweepError."""
    given = os.environ.get("ROSETTA_WAIT_FOR_NODES") or "0"
    try:
        return 60 * float(given)
    except ValueError:
        raise SweepError(f"ROSETTA_WAIT_FOR_NODES is '{given}'; give minutes, as a number") from None


def sync(folder: SweepFolder) -> int:
    """Bring MLflow up to date with a sweep's state; returns how many runs were written or deleted, its parent included.

    Raises LedgerError where a driver runs the sweep: it writes for itself.
    """
    from experiments.recording import store, writer

    with lease(folder.path, folder.title):
        ended = store.ended_sweep(folder.home, folder.path, folder.name)
        if ended and not (changed := writer.reconcile(ended, folder.records())):
            return 0
        plan = json.loads(folder.plan.read_text())
        mlflow = _open_tracking(folder, plan["design"])
        changed = changed if ended else 1 + writer.reconcile(mlflow, folder.records())
        store.log_files(mlflow, folder.attached())
        store.close_sweep(mlflow, "FINISHED" if len(folder.outcomes()) == plan["planned"] else "KILLED")
    return changed


def uncertified(sweep: Sweep) -> dict[str, list[str]]:
    """{network: the sweep's adapters that have no certificate for it on this node}."""
    model, device = sweep.workload.resolve().model, sweep.resources.device
    return {model: [name for name in sweep.adapters if certificates.lacking(load_spec(name), model, device, cache())]}


def _check_certificates(sweep: Sweep, holes: Iterable[str]) -> None:
    """Raises NotCertified before anything runs; on a cluster each node looks for itself."""
    if not sweep.unverified:
        for model, names in uncertified(sweep).items():
            for name in set(names) - set(holes):
                certificates.check(load_spec(name), model, sweep.resources.device, cache())


def _certificates(sweep: Sweep, folder: SweepFolder) -> list[Path]:
    """Copies of the certificates that this node has, for MLflow."""
    model, device = sweep.workload.resolve().model, sweep.resources.device
    paths = {name: certificates.path(load_spec(name), model, device, cache()) for name in sweep.adapters}
    copies = [(path, folder.path / CERTIFICATE.format(name)) for name, path in paths.items() if path.is_file()]
    return [Path(shutil.copyfile(path, copy)) for path, copy in copies]


def _take(trial: Trial, event: Event, folder: SweepFolder, ledger: Ledger, recorder: "Recorder") -> None:
    """Keep an event: on disk first, then in the ledger, then in MLflow."""
    record = folder.record(trial)
    if event["event"] == "started" or not record.exists:  # a trial may be lost before it could say that it started
        record.create(trial)
    record.append(event)
    if event["event"] == "outcome":
        ledger.finish(trial, event)
    recorder.record(record, without_files(event))


def build_environments(adapters: list[str], device: str, console: Terminal) -> tuple[dict[str, bool], dict[str, str]]:
    """Make the adapters' environments that are not there yet, as many at a time as there are CPUs.

    Returns {adapter: whether it was new}, {adapter: why not}. What one framework lacks never stops the others. Raises
    EnvironmentFailed where none of them can be had.
    """
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with (
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown,
        ThreadPoolExecutor(os.cpu_count() or 1) as pool,
    ):
        building = {name: pool.submit(_build, name, device, shown, console) for name in adapters}
    made: dict[str, bool] = {}
    holes: dict[str, str] = {}
    for name, built in building.items():
        try:
            made[name] = built.result()
        except EnvironmentFailed as error:
            holes[name] = str(error)
    if holes and not made:
        raise EnvironmentFailed(next(iter(holes.values())))
    for name, reason in holes.items():
        console.say(f"{name} is left out: {reason}", "yellow")
    return made, holes


def _build(name: str, device: str, shown: Progress, console: Terminal) -> bool:
    environment = Environment(load_spec(name), device, cache())
    if environment.ready:
        return False
    task = shown.add_task(f"{name}: building its environment")
    try:
        new = environment.create(lambda step: shown.update(task, description=f"{name}: {step}"))
    finally:
        shown.remove_task(task)
    if new:
        console.say(f"{name}: environment built in {environment.folder}")
    return new
