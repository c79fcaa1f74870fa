"""The processes that draw."""

import os
import signal
import subprocess
import sys

import pytest

from experiments.errors import RosettaError
from experiments.locations import PROJECT
from sweeps.reporting import rendering

KILLED = """
import os, signal
from sweeps.reporting import rendering

with rendering.processes() as processes:
    assert len(rendering.javascript(processes).result()) > 500_000
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_they_end_with_a_program_that_is_killed():
    """As long as one of them lives it keeps standard output open, and nobody comes to its end."""
    done = subprocess.run([sys.executable, "-c", KILLED], cwd=PROJECT, capture_output=True, timeout=30)
    assert done.returncode == -signal.SIGKILL


def test_one_that_is_killed_is_one_line():
    with (
        pytest.raises(RosettaError, match="write the report again: rosetta report"),
        rendering.processes() as processes,
    ):
        os.kill(processes.submit(os.getpid).result(), signal.SIGKILL)
        rendering.javascript(processes).result()
