"""The documents match the program."""

import json
import os
import re
import subprocess
import sys

import pytest

from adapters import load_spec
from docs import generate
from experiments import locations
from experiments.locations import PROJECT
from experiments.preparation.environments import Environment
from sweeps.cli import main
from sweeps.planning import config

README = generate.README.read_text()


@pytest.mark.parametrize("path", [generate.README, generate.DEFAULTS], ids=lambda path: path.name)
def test_the_generated_tables_are_up_to_date(path):
    assert generate.rendered(path) == path.read_text(), "run: python -m docs.generate"
    assert "glorot_uniform" in path.read_text()


def test_the_documented_certificates_are_those_of_the_current_environments():
    """Compares adapters, networks and environments. The numbers come from one machine that verified them all."""
    documented = [
        (row["adapter"], row["network"], row["environment"]) for row in json.loads(generate.CERTIFICATES.read_text())
    ]
    current = [
        (spec.name, model, Environment(spec, "cpu", locations.cache()).digest[:12])
        for model in generate.NETWORKS
        for spec in generate.able(model)
    ]
    assert documented == current, "run: python sweep.py verify, then python -m docs.generate certificates"


def test_the_settings_read_back_are_the_declared_ones_of_the_current_environments():
    for row in json.loads(generate.REGISTRY.read_text()):
        spec = load_spec(row["adapter"])
        assert row["environment"] == Environment(spec, "cpu", locations.cache()).digest[:12], (
            "run: python -m docs.generate registry"
        )
        assert {
            model: spec.native(model).items() <= found.items() for model, found in row["settings"].items()
        } == dict.fromkeys(spec.models, True)


def test_every_command_in_the_readme_exists():
    targets = set(re.findall(r"^(?:make) (\w+)", README, flags=re.M))
    assert targets == {"sweep", "test"}
    makefile = (PROJECT / "Makefile").read_text()
    assert all(re.search(rf"^{target}:", makefile, flags=re.M) for target in targets | {"environment"})
    verbs = set(re.findall(r"`python sweep\.py (\w+)", README))
    assert verbs == set(main.commands)


def test_the_readmes_sweep_file_is_valid(tmp_path):
    path = tmp_path / "sweep.yaml"
    path.write_text(re.search(r"```yaml\n(.*?)```", README, flags=re.S).group(1))
    assert config.load(path).name == "quick"


def test_the_readmes_commands_run(tmp_path):
    environment = {**os.environ, "ROSETTA_HOME": str(tmp_path)}
    for arguments in (["plan", "sweeps/configs/quick.yaml"], ["plan"], ["adapters"]):
        done = subprocess.run(
            [sys.executable, "sweep.py", *arguments, "--json"],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        json.loads(done.stdout)


def test_make_sweep_runs_the_quick_sweep():
    printed = subprocess.run(
        ["make", "-n", "-B", "sweep", "FRESH=1"], cwd=PROJECT, capture_output=True, text=True
    ).stdout
    assert "sweep.py run sweeps/configs/quick.yaml --fresh" in printed


def test_no_lock_file_contains_a_host_and_no_file_an_absolute_path():
    listed = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True).stdout.split()
    for name in listed:
        text = (PROJECT / name).read_text(errors="replace")
        if name.endswith((".lock", ".txt")):
            assert "://" not in text, name
        assert not re.search(r"(?<![\w.~$])/(root|home/\w+|work)/", text) or name == "tests/test_docs.py", name
