"""The processes that draw."""

import signal
import subprocess
import sys

from experiments.places import PROJECT

KILLED = """
import os, signal
from sweeps import drawing

with drawing.processes() as processes:
    assert len(drawing.javascript(processes).result()) > 500_000
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_they_end_with_a_program_that_is_killed():
    """As long as one of them lives it keeps standard output open, and nobody comes to its end."""
    done = subprocess.run([sys.executable, "-c", KILLED], cwd=PROJECT, capture_output=True, timeout=30)
    assert done.returncode == -signal.SIGKILL
