"""The recorder: a process that writes a sweep's events to MLflow while the sweep runs.

A slow server or MLflow's own work delays no trial. What MLflow refuses is still in the trial records, from which
`reconcile` writes it.
"""

import multiprocessing
import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from mlflow import MlflowClient

from experiments.processes import follow_parent, relax_gc
from experiments.recording.store import SweepRun
from experiments.recording.writer import RunWriter, one_transaction, reconcile
from experiments.trials.records import TrialRecord
from experiments.trials.trial import Event

BATCH = 60  # events per transaction
NICENESS = (
    15  # as Ray's workers: no trial waits for MLflow, and earlier drivers may have left ten thousand runs to write
)

Item = tuple[TrialRecord, Event] | None  # None: the end


class Recorder:
    """Writes what earlier drivers left unwritten, then events as they arrive."""

    def __init__(self, sweep: SweepRun, past: Iterable[TrialRecord] = ()):
        """past: the records of finished trials, which will not run again."""
        context = multiprocessing.get_context("spawn")
        self.queue: multiprocessing.Queue[Item] = context.Queue()
        self.behind = context.Value("b", False)
        # A daemon: a program that fails before it closes the recorder must not wait for it.
        arguments = (sweep, list(past), self.queue, self.behind)
        self.process = context.Process(target=_record, args=arguments, name="mlflow", daemon=True)
        self.process.start()

    def record(self, record: TrialRecord, event: Event) -> None:
        self.queue.put((record, event))

    def close(self) -> bool:
        """Write the rest and end the runs of interrupted trials; returns whether MLflow accepted everything."""
        self.queue.put(None)
        self.process.join()
        self.queue.cancel_join_thread()  # a process that died no longer empties the queue
        return self.process.exitcode == 0 and not self.behind.value


def _record(sweep: SweepRun, past: list[TrialRecord], waiting: "multiprocessing.Queue[Item]", behind: Any) -> None:
    os.nice(NICENESS)
    relax_gc()
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
        reconcile(sweep, past)
    except Exception:  # of whatever kind: a later `reconcile` may succeed
        return False
    return True


def _gathered(waiting: "multiprocessing.Queue[Item]") -> list[Item]:
    """Wait for an item; returns it with those already queued, at most BATCH.

    A longer transaction would keep other writers waiting.
    """
    items = [waiting.get()]
    while len(items) < BATCH and not waiting.empty():
        items.append(waiting.get())
    return items


class RunWriters:
    """A RunWriter for each trial without an outcome. What MLflow refuses is left to `reconcile`."""

    def __init__(self, sweep: SweepRun):
        self.client, self.sweep = MlflowClient(sweep.uri), sweep
        self.writers: dict[Path, RunWriter] = {}
        self.unwritten: set[Path] = set()

    def write(self, items: list[tuple[TrialRecord, Event]]) -> None:
        events: dict[Path, list[Event]] = defaultdict(list)
        for record, event in items:
            self.writers.setdefault(record.folder, RunWriter(self.client, self.sweep, record))
            events[record.folder].append(event)
        try:
            with one_transaction(self.client):
                for folder, new in events.items():
                    self._try(folder, partial(self._write, folder, new))
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
        except Exception:  # of MLflow, its server or the network: the record is complete, `reconcile` writes it
            self.unwritten.add(folder)
