"""Where things live: a sweep's state, and what a node prepares once and keeps."""

import os
from pathlib import Path

import platformdirs

from experiments.errors import SweepError

PROJECT = Path(__file__).resolve().parent.parent


def home() -> Path:
    """Ledger, mlflow.db, trial folders and reports: ROSETTA_HOME, or ./runs."""
    return Path(os.environ.get("ROSETTA_HOME") or "runs").expanduser().absolute()


def cache() -> Path:
    """Environments and prepared data of this node: ROSETTA_CACHE, or the user's cache directory."""
    folder = os.environ.get("ROSETTA_CACHE") or platformdirs.user_cache_path("rosetta-sweep")
    return Path(folder).expanduser().absolute()


def write(path: Path, text: str, remedy: str = "choose another place with --output") -> None:
    """Write a file where the user wants it. Raises SweepError, with the remedy, if that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    except OSError as error:
        raise SweepError(f"'{path}' can't be written: {error.strerror}; {remedy}") from error
