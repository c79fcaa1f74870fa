"""Watching a sweep from another terminal: cells done, effects so far, and what stands in the way of believing them."""

import time
from collections import Counter
from collections.abc import Callable

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from experiments.trials.trial import COMPLETED, OUTCOMES
from sweeps.console import Terminal
from sweeps.reporting import quality, report
from sweeps.reporting.results import Record


def watch(read: Callable[[], Record], console: Terminal, seconds: float) -> Record:
    """Show a sweep until it is complete, reading it anew every so many seconds; where nobody looks, once. Returns what was read last."""
    record = read()
    if not console.is_terminal:
        console.print(view(record))
        return record
    with Live(view(record), console=console, auto_refresh=False) as live:
        while len(record.runs) < record.plan["planned"]:
            time.sleep(seconds)
            record = read()
            live.update(view(record), refresh=True)
    return record


def view(record: Record) -> Group:
    """Everything at this moment."""
    return Group(progress(record), *report.tables(record), *(f"- {said}" for said in quality.warnings(record)))


def progress(record: Record) -> Table:
    """How many of each framework's trials have which outcome."""
    planned = Counter(trial["adapter"] for trial in record.plan["trials"])
    table = Table(
        "framework",
        *OUTCOMES,
        "planned",
        title=f"Sweep {record.sweep}: {len(record.runs)} of {record.plan['planned']} trials",
        title_justify="left",
    )
    for adapter in record.plan["adapters"]:
        runs = record.runs[record.runs["adapter"] == adapter] if len(record.runs) else record.runs
        kinds = Counter(runs["outcome"]) if len(runs) else Counter()
        counts = [Text(str(kinds[kind]), "red" if kinds[kind] and kind != COMPLETED else "") for kind in OUTCOMES]
        table.add_row(adapter, *counts, str(planned[adapter]) if planned else "sampled")
    return table
