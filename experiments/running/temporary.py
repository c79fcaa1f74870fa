"""Temporary working directories."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock


@contextmanager
def folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Create a folder in `parent`, and delete it at the end.

    Also deletes the folders of killed processes of this machine: their locks are free.
    """
    parent.mkdir(parents=True, exist_ok=True)
    for lock in parent.glob("*.lock"):
        with suppress(filelock.Timeout), filelock.FileLock(lock, timeout=0):
            _remove(lock)
    lock = parent / f"{prefix}-{uuid.uuid4().hex[:12]}.lock"
    with filelock.FileLock(lock):  # held before the folder exists, so no other process deletes it
        created = lock.with_suffix("")
        created.mkdir()
        try:
            yield created
        finally:
            _remove(lock)


def _remove(lock: Path) -> None:
    shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
    lock.unlink(missing_ok=True)
