"""Where files live: the copy of the adapters that workers import, and the revision of the project."""

import multiprocessing
import subprocess

import pytest

from experiments import locations
from experiments.errors import EnvironmentFailed
from experiments.trials import records


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of two modules; the cache is beside it."""
    folder = tmp_path / "site-packages"
    for name in ("adapters/worker.py", "adapters/common/batches.py", "numpy.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    monkeypatch.setattr(locations, "PROJECT", folder)
    monkeypatch.setenv("ROSETTA_CACHE", str(tmp_path / "cache"))
    return folder


def files(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_workers_see_the_adapters_and_no_other_package(project):
    found = files(locations.worker_path())
    assert found == {
        "adapters/worker.py": "adapters/worker.py",
        "adapters/common/batches.py": "adapters/common/batches.py",
    }


def test_changed_code_is_another_folder(project):
    first = locations.worker_path()
    assert locations.worker_path() == first
    (project / "adapters" / "worker.py").write_text("changed")
    second = locations.worker_path()
    assert second != first and files(second)["adapters/worker.py"] == "changed"
    assert files(first)["adapters/worker.py"] == "adapters/worker.py"  # a running sweep keeps its own


def test_a_cache_that_cannot_be_written(project, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ROSETTA_CACHE", str(tmp_path / "file"))
    with pytest.raises(EnvironmentFailed, match="file/adapters' can't be written .*; set ROSETTA_CACHE"):
        locations.worker_path()


def test_processes_at_once_get_the_same_whole_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ROSETTA_CACHE", str(tmp_path))
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        found = {one.get() for one in [pool.apply_async(locations.worker_path) for _ in range(8)]}
    assert {path.name for path in found} == {path.name for path in (tmp_path / "adapters").iterdir()}


@pytest.fixture
def revision(project, monkeypatch):
    monkeypatch.setattr(records, "PROJECT", project)
    monkeypatch.setattr(records, "version", lambda name: "1.2.3")
    return records.revision.__wrapped__


def git(folder, *arguments):
    options = ["-c", "user.name=n", "-c", "user.email=e@localhost"]
    done = subprocess.run(["git", "-C", str(folder), *options, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder):
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "One")
    return git(folder, "rev-parse", "HEAD")[:12]


def test_the_revision_of_a_checkout_is_its_commit(project, revision, monkeypatch):
    made = commit(project)
    assert revision() == made
    (project / "adapters" / "worker.py").write_text("changed")
    assert revision() == made + "+"
    monkeypatch.setenv("PATH", "/nowhere")
    assert revision() == "1.2.3"


def test_the_revision_of_an_installed_copy_is_its_version(project, revision):
    assert revision() == "1.2.3"
    commit(project.parent)  # an environment inside a repository of the user's
    assert revision() == "1.2.3"
