"""The wheel: it holds every file of the packages, and an installed copy works without a checkout."""

import re
import subprocess
import sysconfig
import tomllib
import venv
from email import message_from_bytes
from pathlib import Path

import pytest
import uv
import yaml

from experiments import locations
from experiments.locations import PROJECT
from tests.packaging.conftest import PACKAGES

METADATA = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
TINY = {
    "name": "tiny",
    "workload": {"name": "digits_cnn", "epochs": 1, "filters": [4, 8], "hidden": 16, "train_examples": 256},
    "adapters": ["pytorch"],
    "design": "one-at-a-time",
    "settings": {"relu": ["native", "after_pool"]},
    "seeds": 2,
}


def test_the_wheel_holds_every_file_of_the_packages(contents):
    files = (path for name in PACKAGES for path in (PROJECT / name).rglob("*") if path.is_file())
    expected = {str(path.relative_to(PROJECT)) for path in files if "__pycache__" not in path.parts}
    assert {name for name in contents if ".dist-info/" not in name} == expected


def test_the_wheel_says_what_it_is(contents):
    (name,) = (name for name in contents if name.endswith(".dist-info/METADATA"))
    metadata = message_from_bytes(contents[name])
    assert metadata["Name"] == "rosetta-sweep" and metadata["Version"] == METADATA["version"]
    assert "Typing :: Typed" in metadata.get_all("Classifier")
    assert metadata.get_all("Provides-Extra") == ["gp"]


def test_the_lock_has_every_dependency():
    locked = {line.split("==")[0] for line in (PROJECT / "requirements" / "control.lock").read_text().splitlines()}
    assert {re.split(r"[\[>=<]", one)[0] for one in METADATA["dependencies"]} <= locked


class Installed:
    """The wheel in its own environment, in a read-only folder with an unusual name; run from another folder."""

    def __init__(self, folder: Path, wheel: Path):
        self.environment = folder / "an ä 中 folder" / "environment"
        venv.create(self.environment, with_pip=False, symlinks=True)
        command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--offline", "--compile-bytecode"]
        subprocess.run([*command, "--python", str(self.environment / "bin" / "python"), str(wheel)], check=True)
        (self.packages,) = self.environment.glob("lib/python*/site-packages")
        # The dependencies are those of the tests' environment: to install them again would take minutes.
        (self.packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"])
        self.before = self.files()
        for path in [self.packages, *self.packages.rglob("*")]:
            path.chmod(path.stat().st_mode & ~0o222)  # root may write all the same: `files` shows that nothing did
        self.folder = folder / "empty ß folder"
        self.folder.mkdir()
        self.programs = folder / "programs"  # a PATH without git and g++
        self.programs.mkdir()

    def files(self):
        return {path: path.stat().st_mtime_ns for path in self.packages.rglob("*")}

    def run(self, *arguments):
        variables = {
            "HOME": str(self.folder),
            "PATH": str(self.programs),
            "LANG": "C.UTF-8",
            "ROSETTA_CACHE": str(locations.cache()),
        }
        command = [str(self.environment / "bin" / "rosetta"), *arguments]
        return subprocess.run(command, cwd=self.folder, env=variables, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def installed(tmp_path_factory, wheel):
    copy = Installed(tmp_path_factory.mktemp("installed"), wheel)
    yield copy
    for path in [copy.packages, *copy.packages.rglob("*")]:
        path.chmod(path.stat().st_mode | 0o200)  # pytest removes old folders


def test_an_installed_copy_is_the_one_that_runs(installed):
    code = (
        "import sweeps, adapters, experiments\n"
        "print(*(one.__path__[0] for one in (sweeps, adapters, experiments)), sep='\\n')"
    )
    command = [str(installed.environment / "bin" / "python"), "-c", code]
    said = subprocess.run(command, cwd=installed.folder, capture_output=True, text=True, check=True).stdout
    assert all(Path(line).is_relative_to(installed.packages) for line in said.splitlines()), said


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_the_command_is_on_the_path(installed, option):
    done = installed.run(option)
    assert done.returncode == 0, done.stderr
    assert (
        "Usage: rosetta" in done.stdout
        if option == "--help"
        else done.stdout == f"rosetta-sweep {METADATA['version']}\n"
    )


def test_it_has_the_sweeps_that_ship_and_writes_new_ones(installed):
    done = installed.run("init", "mine.yaml", "--adapters", "pytorch,cntk", "--json")
    assert done.returncode == 0, done.stderr
    for sweep in ("mine.yaml", "quick"):
        planned = installed.run("plan", sweep)
        assert planned.returncode == 0 and "trials" in planned.stdout, planned.stderr
    shown = installed.run("adapters", "--adapters", "pytorch,jax")
    assert shown.returncode == 0 and "fan_in_uniform" in shown.stdout


@pytest.mark.xdist_group("ray")
def test_an_installed_copy_runs_a_sweep(installed, certify):
    """From an empty folder, without git and g++ on the PATH, and without a write to its own folder."""
    certify("pytorch")
    (installed.folder / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    done = installed.run("run", "tiny.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    results = installed.folder / "runs" / "tiny" / "1"
    assert (results / "report.html").is_file()
    planned = [path.read_text().splitlines()[0] for path in results.glob("trials/**/events.jsonl")]
    assert planned and all(f'"revision": "{METADATA["version"]}"' in line for line in planned)
    assert installed.files() == installed.before
