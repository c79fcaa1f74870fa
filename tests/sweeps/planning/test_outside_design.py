"""A design from another package: found by its entry point, planned, run and reported like a built-in one."""

import json
import os
import subprocess
import sys

import pytest
import yaml

from experiments.errors import SweepError
from experiments.locations import PROJECT
from sweeps.planning import config, designs, planner

DESIGN = """
from pydantic import Field

from sweeps.planning.designs.base import Design, NoOptions


class Corners(Design):
    name = "far-corners"
    summary = "The default configuration, and the one with every choice changed."
    estimator = "none"

    class Options(NoOptions):
        mirrored: bool = Field(False, description="Run the rows in reverse order.")

    def configurations(self, cells):
        far = {name: choices[-1] for name, choices in cells.choices.items()}
        rows = [cells.baseline, cells.baseline | far]
        return rows[::-1] if self.options.mirrored else rows
"""
SWEEP = {
    "name": "outside",
    "workload": {"name": "digits_cnn", "epochs": 1, "train_examples": 64, "filters": [2, 2], "hidden": 4},
    "adapters": ["reference"],
    "design": "far-corners",
    "mirrored": True,
    "settings": {"init": ["native", "lecun_normal"], "relu": ["native", "after_pool"]},
    "seeds": 1,
    "unverified": True,
}


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A folder with an installed package that has a design."""
    folder = tmp_path_factory.mktemp("package")
    (folder / "far_corners.py").write_text(DESIGN)
    info = folder / "far_corners-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: far-corners\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[rosetta_sweep.designs]\nfar-corners = far_corners:Corners\n")
    return folder


@pytest.fixture
def installed(package, monkeypatch):
    """The package on this process's path."""
    monkeypatch.syspath_prepend(package)
    caches = designs.known, designs.load
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def test_it_is_planned(installed):
    plan = planner.plan(config.parse(SWEEP, "f"))
    relu = [trial.settings["relu"] for trial in plan.trials]
    assert sorted(relu) == ["after_pool", "after_pool", "before_pool"]  # the first row, the mirrored one, runs twice


def test_it_runs_and_is_reported(package, built):
    built("reference")
    path = package / "sweep.yaml"
    path.write_text(yaml.safe_dump(SWEEP))
    command = [sys.executable, PROJECT / "sweep.py", "run", path, "--json", "--home", package / "runs"]
    environment = {**os.environ, "PYTHONPATH": str(package)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=package)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outcomes"]["completed"] == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mirrored": "yes"}, "mirrored: input should be a valid boolean"),
        ({"miror": True}, "unknown key 'miror'. Did you mean 'mirrored'?"),
        ({"design": "factorial"}, "mirrored is for design 'far-corners', but the design is 'factorial'"),
        ({"design": "far-cornes"}, "unknown design 'far-cornes'. Did you mean 'far-corners'?"),
    ],
    ids=str,
)
def test_a_mistake_in_its_keys_gets_one_clear_line(installed, change, said):
    with pytest.raises(SweepError) as caught:
        config.parse(SWEEP | change, "f")
    assert said in str(caught.value)


def test_a_design_that_cannot_be_imported_stops_only_its_own_sweeps(installed, monkeypatch):
    monkeypatch.setitem(designs.known(), "broken", "nowhere:Broken")
    assert config.parse(SWEEP, "f").design.name == "far-corners"
    with pytest.raises(SweepError, match="design 'broken' can't be imported from nowhere:Broken .*; reinstall"):
        config.parse(SWEEP | {"design": "broken"}, "f")


def test_no_file_of_the_project_names_it():
    sources = [path for name in ("adapters", "experiments", "sweeps") for path in (PROJECT / name).rglob("*.py")]
    assert not [path for path in sources if "far-corners" in path.read_text()]
