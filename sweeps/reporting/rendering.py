"""Rendering of charts: PNG images, and the JavaScript that draws charts in a page.

vl_convert blocks Python for seconds, so it runs in other processes while the report is computed.
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

WIDTH = 560  # of an image, in pixels; in the page a figure fills the width


@contextmanager
def processes() -> Iterator[Executor]:
    """Two processes that render. Raises RosettaError if one was killed."""
    try:
        with ProcessPoolExecutor(2, multiprocessing.get_context("spawn"), follow_parent) as executor:
            yield executor
    except BrokenProcessPool:
        raise RosettaError(
            "a process that renders the report was killed (out of memory?); all trials are saved; "
            f"write the report again: {command('report')}"
        ) from None


def javascript(executor: Executor) -> Future[str]:
    """The JavaScript with which a page draws charts offline."""
    return executor.submit(vl_convert.javascript_bundle)  # type: ignore[call-arg]


def images(executor: Executor, drawn: dict[str, dict[str, Any]]) -> dict[str, Future[bytes]]:
    """{file name: PNG} of every chart. drawn: from figures.charts."""
    return {
        f"{name}.png": executor.submit(vl_convert.vegalite_to_png, wide(chart, WIDTH), scale=2)
        for name, chart in drawn.items()
    }
