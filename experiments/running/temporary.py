"""Folders for the time being."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock


@contextmanager
def folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder that goes afterwards. What killed processes of this machine left in `parent` goes too: nobody holds its lock."""
    parent.mkdir(parents=True, exist_ok=True)
    for lock in parent.glob("*.lock"):
        with suppress(filelock.Timeout), filelock.FileLock(lock, timeout=0):
            _remove(lock)
    lock = parent / f"{prefix}-{uuid.uuid4().hex[:12]}.lock"
    with filelock.FileLock(lock):  # before there is a folder that somebody could take for a dead one's
        made = lock.with_suffix("")
        made.mkdir()
        try:
            yield made
        finally:
            _remove(lock)


def _remove(lock: Path) -> None:
    shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
    lock.unlink(missing_ok=True)
