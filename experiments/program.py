"""The program as it was called, for messages that name a command."""

import sys
from pathlib import Path

SCRIPT = "sweep.py"
INSTALLED = "rosetta"


def name() -> str:
    """ "sweep.py" in a process started as `python sweep.py`, otherwise "rosetta"."""
    return SCRIPT if Path(sys.argv[0]).name == SCRIPT else INSTALLED


def command(arguments: str) -> str:
    """The command line of a verb: "rosetta verify", or "python sweep.py verify" if the program was called so."""
    return f"python {SCRIPT} {arguments}" if name() == SCRIPT else f"{INSTALLED} {arguments}"
