"""The wheel, built once."""

import shutil
import subprocess
import sys
import zipfile

import pytest

from experiments.locations import PROJECT

PACKAGES = ("adapters", "experiments", "sweeps")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The path of the wheel, built from a copy: setuptools leaves files in the folder that it builds in."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in PACKAGES:
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, folder)
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder / "dist"),
        str(folder),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = (folder / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="session")
def contents(wheel):
    """{name in the wheel: its bytes}"""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
