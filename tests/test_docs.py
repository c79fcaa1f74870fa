"""The documents keep up with the program."""

import json
import os
import re
import subprocess
import sys

import pytest

from adapters import load_spec
from experiments import places
from experiments.environment import Environment
from experiments.places import PROJECT
from sweeps import docs, sweep
from sweeps.cli import main

README = docs.README.read_text()


@pytest.mark.parametrize("path", [docs.README, docs.DEFAULTS], ids=lambda path: path.name)
def test_the_generated_tables_are_up_to_date(path):
    assert docs.rendered(path) == path.read_text(), "run: python -m sweeps.docs"
    assert "glorot_uniform" in path.read_text()


def test_the_certificates_shown_are_those_of_the_environments_as_they_are():
    """Which adapters, networks and environments; the numbers come from a machine that verified them all."""
    shown = [(row["adapter"], row["network"], row["environment"]) for row in json.loads(docs.CERTIFICATES.read_text())]
    current = [
        (spec.name, model, Environment(spec, "cpu", places.cache()).digest[:12]) for model in docs.NETWORKS for spec in docs.able(model)
    ]
    assert shown == current, "run: python sweep.py verify, then python -m sweeps.docs certificates"


def test_what_was_read_back_is_what_is_declared_in_the_environments_as_they_are():
    for row in json.loads(docs.REGISTRY.read_text()):
        spec = load_spec(row["adapter"])
        assert row["environment"] == Environment(spec, "cpu", places.cache()).digest[:12], "run: python -m sweeps.docs registry"
        assert {model: spec.native(model).items() <= found.items() for model, found in row["settings"].items()} == dict.fromkeys(spec.models, True)


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
    assert sweep.load(path).name == "quick"


def test_the_readmes_commands_run(tmp_path):
    environment = {**os.environ, "ROSETTA_HOME": str(tmp_path)}
    for arguments in (["plan", "sweeps/quick.yaml"], ["plan"], ["adapters"]):
        done = subprocess.run(
            [sys.executable, "sweep.py", *arguments, "--json"], cwd=PROJECT, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        json.loads(done.stdout)


def test_make_sweep_runs_the_quick_sweep():
    shown = subprocess.run(["make", "-n", "-B", "sweep", "FRESH=1"], cwd=PROJECT, capture_output=True, text=True).stdout
    assert "sweep.py run sweeps/quick.yaml --fresh" in shown


def test_no_lock_names_a_host_and_no_file_an_absolute_path():
    listed = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True).stdout.split()
    for name in listed:
        text = (PROJECT / name).read_text(errors="replace")
        if name.endswith((".lock", ".txt")):
            assert "://" not in text, name
        assert not re.search(r"(?<![\w.~$])/(root|home/\w+|work)/", text) or name == "tests/test_docs.py", name
