"""Charts drawn: as pictures, and the JavaScript that draws them in a page.

vl_convert lets nothing else of Python run for seconds, so it works in processes of its own while the report is worked out.
"""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

import vl_convert

from experiments.errors import RosettaError
from experiments.processes import follow_parent
from experiments.program import command
from sweeps.reporting.figures import wide

WIDTH = 560  # of a picture; in the page a figure is as wide as there is room


@contextmanager
def processes() -> Iterator[Executor]:
    """Two processes that draw. Raises RosettaError where one was ended from outside."""
    try:
        with ProcessPoolExecutor(2, multiprocessing.get_context("spawn"), follow_parent) as executor:
            yield executor
    except BrokenProcessPool:
        raise RosettaError(
            f"a process that draws the report was ended (out of memory?); nothing is lost, make it again: {command('report')}"
        ) from None


def javascript(executor: Executor) -> Future[str]:
    """What a page needs to draw charts, offline."""
    return executor.submit(vl_convert.javascript_bundle)  # type: ignore[call-arg]


def pictures(executor: Executor, drawn: dict[str, dict[str, Any]]) -> dict[str, Future[bytes]]:
    """{file name: PNG} of every chart. drawn: of figures.charts."""
    return {
        f"{name}.png": executor.submit(vl_convert.vegalite_to_png, wide(chart, WIDTH), scale=2)
        for name, chart in drawn.items()
    }
