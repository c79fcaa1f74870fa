"""Temporary working directories, and those that killed processes leave."""

import subprocess
import sys

from experiments.locations import PROJECT
from experiments.running import temporary


def test_a_folder_is_deleted_at_the_end(tmp_path):
    with temporary.folder(tmp_path, "pytorch") as first, temporary.folder(tmp_path, "pytorch") as second:
        (first / "worker.log").write_text("said")
        assert first != second and first.is_dir() and second.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_the_next_folder_deletes_those_of_killed_processes(tmp_path):
    code = f"""
import os
from pathlib import Path
from experiments.running import temporary
with temporary.folder(Path({str(tmp_path)!r}), "cntk") as folder:
    (folder / "worker.log").write_text("said")
    os._exit(1)
"""
    with temporary.folder(tmp_path, "kept") as kept:
        subprocess.run([sys.executable, "-c", code], cwd=PROJECT, timeout=60)
        assert len(list(tmp_path.glob("cntk-*/worker.log"))) == 1
        with temporary.folder(tmp_path, "next"):
            assert not list(tmp_path.glob("cntk-*")) and kept.is_dir()
    assert list(tmp_path.iterdir()) == []
