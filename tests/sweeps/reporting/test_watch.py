"""Watching a sweep: what is shown at a moment, and that it ends with the sweep."""

import io
from dataclasses import replace

from sweeps.console import Terminal
from sweeps.reporting import watch
from tests.sweeps.reporting.test_report import record


def text(console):
    return console.file.getvalue()


def test_where_nobody_looks_it_says_once_how_far_the_sweep_is():
    console, reads = Terminal(file=io.StringIO()), []
    watch.watch(lambda: reads.append(1) or record(), console, 1)
    said = text(console)
    assert len(reads) == 1 and "18 of 20 trials" in said and "2 of 20 trials are missing" in said
    assert "init: " in said and "chainer" in said


def test_it_reads_anew_until_the_sweep_is_complete():
    whole = record(planned=18)
    moments = [replace(whole, runs=whole.runs.iloc[:0]), replace(whole, runs=whole.runs.iloc[:6]), whole]
    console = Terminal(file=io.StringIO(), force_terminal=True, width=110)
    last = watch.watch(lambda: moments.pop(0), console, 0.01)
    assert last is whole and not moments
    assert (
        "0 of 18 trials" in text(console) and "6 of 18 trials" in text(console) and "18 of 18 trials" in text(console)
    )


def test_a_sweep_that_has_not_begun_has_nothing_to_show_yet():
    console = Terminal(file=io.StringIO())
    whole = record()
    for bare in (replace(whole, runs=whole.runs.iloc[:0]), replace(whole, runs=whole.runs.iloc[:0][[]])):
        watch.watch(lambda bare=bare: bare, console, 1)
    assert text(console).count("Sweep demo: 0 of 20 trials") == 2
