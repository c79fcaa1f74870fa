"""The recorder: a process that writes a sweep's events to MLflow while the sweep runs.

Neither a slow server nor MLflow's own work holds up a trial. What MLflow does not take is in the trial records: `reconcile`.
"""

import multiprocessing
import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from experiments import processes
from experiments.processes import follow_parent
from experiments.recording import tracking
from experiments.recording.tracking import RunWriter, SweepRun, one_transaction
from experiments.trials.records import TrialRecord
from experiments.trials.trial import Event

BATCH = 60  # events written at a time
NICENESS = (
    15  # what Ray's workers have: nobody waits for MLflow, and what earlier drivers left can be ten thousand runs
)

Item = tuple[TrialRecord, Event] | None  # None: there will be no more


class Recorder:
    """Brings MLflow up to date with what earlier drivers left, then writes events as they come."""

    def __init__(self, sweep: SweepRun, past: Iterable[TrialRecord] = ()):
        """past: the records of trials that are finished, and will not run again."""
        context = multiprocessing.get_context("spawn")
        self.queue: multiprocessing.Queue[Item] = context.Queue()
        self.behind = context.Value("b", False)
        # A daemon: a program that fails before it closes the recorder ends all the same, and does not wait for it.
        arguments = (sweep, list(past), self.queue, self.behind)
        self.process = context.Process(target=_record, args=arguments, name="mlflow", daemon=True)
        self.process.start()

    def record(self, record: TrialRecord, event: Event) -> None:
        self.queue.put((record, event))

    def close(self) -> bool:
        """Write what is left, end the runs of trials that were cut off; returns whether MLflow took everything."""
        self.queue.put(None)
        self.process.join()
        self.queue.cancel_join_thread()  # a process that died leaves a queue that nobody empties
        return self.process.exitcode == 0 and not self.behind.value


def _record(sweep: SweepRun, past: list[TrialRecord], waiting: "multiprocessing.Queue[Item]", behind: Any) -> None:
    os.nice(NICENESS)
    processes.spare()
    follow_parent()
    current = _reconciled(sweep, past)
    writers = RunWriters(sweep)
    running = True
    while running:
        items = _gathered(waiting)
        running = None not in items
        writers.write([item for item in items if item])
    writers.kill()
    behind.value = bool(writers.unwritten) or not current


def _reconciled(sweep: SweepRun, past: list[TrialRecord]) -> bool:
    try:
        tracking.reconcile(sweep, past)
    except Exception:  # whatever it is, a later one may
        return False
    return True


def _gathered(waiting: "multiprocessing.Queue[Item]") -> list[Item]:
    """At least one item, and those that have gathered by now: as many as one transaction takes without keeping others out."""
    items = [waiting.get()]
    while len(items) < BATCH and not waiting.empty():
        items.append(waiting.get())
    return items


class RunWriters:
    """A RunWriter for each trial that has no outcome yet. What MLflow does not take is left to `reconcile`."""

    def __init__(self, sweep: SweepRun):
        self.client, self.sweep = tracking.client_of(sweep), sweep
        self.writers: dict[Path, RunWriter] = {}
        self.unwritten: set[Path] = set()

    def write(self, items: list[tuple[TrialRecord, Event]]) -> None:
        events: dict[Path, list[Event]] = defaultdict(list)
        for record, event in items:
            self.writers.setdefault(record.folder, RunWriter(self.client, self.sweep, record))
            events[record.folder].append(event)
        try:
            with one_transaction(self.client):
                for folder, news in events.items():
                    self._try(folder, partial(self._write, folder, news))
        except Exception:  # none of them is written
            self.unwritten |= events.keys()

    def _write(self, folder: Path, events: list[Event]) -> None:
        self.writers[folder].write(events)
        if events[-1]["event"] == "outcome":
            del self.writers[folder]

    def kill(self) -> None:
        for folder, writer in self.writers.items():
            self._try(folder, writer.kill)

    def _try(self, folder: Path, write: Callable[[], None]) -> None:
        if folder in self.unwritten:
            return
        try:
            write()
        except (
            Exception
        ):  # whatever MLflow, its server or the network raise: the record has it all, `reconcile` writes it
            self.unwritten.add(folder)
