"""The progress of a running sweep on the terminal: counts, running trials, and the time left."""

import time

from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from experiments.trials.trial import COMPLETED, PRUNED, Event, Trial
from sweeps.console import Terminal


class SweepProgress:
    """A live display on a terminal; otherwise one line per outcome."""

    def __init__(self, console: Terminal, planned: int, done: int):
        self.console = console
        self.running: dict[str, tuple[Trial, str]] = {}
        self.failed = self.finished = 0
        self.start = time.monotonic()
        self.bar = Progress(
            SpinnerColumn(),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=console,
        )
        self.task = self.bar.add_task("sweep", total=planned, completed=done, note="")
        self.live = Live(self.render(), console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> "SweepProgress":
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.console.is_terminal:
            self.live.stop()

    def show(self, trial: Trial, event: Event) -> None:
        """Show an event."""
        if event["event"] == "outcome":
            self._finish(trial, event)
        else:
            self.running[trial.identity] = (trial, _state(event, trial))
        self.bar.update(self.task, note=self._note())
        self.live.update(self.render())

    def _finish(self, trial: Trial, event: Event) -> None:
        self.running.pop(trial.identity, None)
        self.finished += 1
        self.failed += event["kind"] not in (COMPLETED, PRUNED)
        self.bar.advance(self.task)
        label = trial.label
        if event["kind"] != COMPLETED:
            self.console.say(
                f"{event['kind']} {label} {event['error']}", "yellow" if event["kind"] == PRUNED else "red"
            )
        elif not self.console.is_terminal:
            done = self.bar.tasks[0]
            accuracy = f"{event['metrics'].get('accuracy', float('nan')):.3f}"
            self.console.print(f"{done.completed:.0f}/{done.total:.0f} {label} accuracy {accuracy}", soft_wrap=True)

    def _note(self) -> str:
        left = (self.bar.tasks[0].total or 0) - self.bar.tasks[0].completed
        each = (time.monotonic() - self.start) / max(1, self.finished)
        note = f"running {len(self.running)}, failed {self.failed}"
        return note + (f", about {_duration(left * each)} left" if self.finished else "")

    def render(self) -> Group:
        table = Table(box=None, show_header=False, padding=(0, 1))
        for trial, state in self.running.values():
            table.add_row(trial.label, state)
        return Group(self.bar, table)


def _state(event: Event, trial: Trial) -> str:
    if event["event"] == "epoch":
        return f"epoch {event['epoch'] + 1}/{trial.workload.epochs} accuracy {event['accuracy']:.3f}"
    return {"started": f"on {event.get('host', '')} {event.get('devices', '')}", "ready": "training"}[event["event"]]


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
