"""Where things live: a sweep's state, and what a node prepares once and keeps."""

import os
from pathlib import Path

import platformdirs

PROJECT = Path(__file__).resolve().parent.parent


def home() -> Path:
    """Ledger, mlflow.db, trial folders and reports: ROSETTA_HOME, or ./runs."""
    return Path(os.environ.get("ROSETTA_HOME") or "runs").expanduser().absolute()


def cache() -> Path:
    """Environments and prepared data of this node: ROSETTA_CACHE, or the user's cache directory."""
    folder = os.environ.get("ROSETTA_CACHE") or platformdirs.user_cache_path("rosetta-sweep")
    return Path(folder).expanduser().absolute()
