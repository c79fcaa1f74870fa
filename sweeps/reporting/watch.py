"""Watching a sweep from another terminal: finished trials, effects so far, and warnings."""

import time
from collections import Counter
from collections.abc import Callable

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from experiments.trials.trial import COMPLETED, OUTCOMES
from sweeps.console import Terminal
from sweeps.reporting import quality, tables
from sweeps.reporting.results import Results


def watch(read: Callable[[], Results], console: Terminal, seconds: float) -> Results:
    """Show a sweep until it is complete, read again every `seconds`; returns the last results.

    Without a terminal the sweep is shown once.
    """
    results = read()
    if not console.is_terminal:
        console.print(view(results))
        return results
    with Live(view(results), console=console, auto_refresh=False) as live:
        while len(results.runs) < results.plan.planned:
            time.sleep(seconds)
            results = read()
            live.update(view(results), refresh=True)
    return results


def view(results: Results) -> Group:
    """Progress, effects and warnings at this moment."""
    return Group(progress(results), *tables.tables(results), *(f"- {warning}" for warning in quality.warnings(results)))


def progress(results: Results) -> Table:
    """The number of trials of each adapter with each outcome."""
    planned = Counter(trial.adapter for trial in results.plan.trials)
    table = Table(
        "adapter",
        *OUTCOMES,
        "planned",
        title=f"Sweep {results.sweep}: {len(results.runs)} of {results.plan.planned} trials",
        title_justify="left",
    )
    for adapter in results.plan.adapters:
        runs = results.runs[results.runs["adapter"] == adapter] if len(results.runs) else results.runs
        kinds = Counter(runs["outcome"]) if len(runs) else Counter()
        counts = [Text(str(kinds[kind]), "red" if kinds[kind] and kind != COMPLETED else "") for kind in OUTCOMES]
        table.add_row(adapter, *counts, str(planned[adapter]) if planned else "sampled")
    return table
