"""A network from outside the project is verified, trained and read back like a built-in one."""

import json
import os
import subprocess
import sys

import pytest

from adapters.contract.network import Implementation
from adapters.contract.settings import TIME, Setting
from adapters.networks.cnn import NETWORK
from experiments import extensions
from experiments.locations import PROJECT

OUTSIDE = PROJECT / "tests" / "outside"  # as a site-packages folder would have it
PROVE = """
import json, sys
from pathlib import Path
from adapters import load_spec
from adapters.networks import SETTINGS
from experiments import locations
from experiments.running import runner
from experiments.trials.trial import Trial
from experiments.trials.workload import workload_named
from experiments.verification import equivalence

results = equivalence.verify(["reference", "pytorch"], "mlp", "cpu", locations.cache())
spec = load_spec("pytorch")
trial = Trial("pytorch", workload_named("digits_mlp"), {**spec.native("mlp"), "activation": "tanh"}, 0, "cpu", 1, 300)
events = list(runner.run_trial(trial, Path(sys.argv[1]), locations.cache()))
ready = [event["settings"] for event in events if event["event"] == "ready"]
print(json.dumps({
    "cases": [(result.adapter, result.case.name, result.passed, result.error) for result in results],
    "own": spec.own("mlp"), "choices": spec.choices("activation"), "last": list(SETTINGS)[-1], "label": trial.label,
    "ready": ready, "outcome": events[-1]["kind"], "error": events[-1]["error"],
    "accuracy": events[-1]["metrics"].get("accuracy"),
}))
"""


def python(*arguments):
    return subprocess.run(
        [sys.executable, "-c", *arguments],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(PROJECT), str(OUTSIDE)])},
        check=False,
    )


@pytest.mark.xdist_group("outside")
def test_it_is_verified_trained_and_read_back(built, tmp_path):
    built("reference"), built("pytorch")
    done = python(PROVE, str(tmp_path / "trial"))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert all(passed for *_, passed, _ in found["cases"]), found["cases"]
    flipped = [(adapter, case) for adapter, case, *_ in found["cases"] if "activation" in case]
    assert flipped == [(name, "float64 activation=tanh") for name in ("reference", "pytorch")]
    assert found["own"]["activation"] == "relu" and found["choices"] == ["relu", "tanh"]
    assert found["last"] == "activation" and found["label"] == "pytorch activation=tanh seed=0"
    assert (found["outcome"], found["error"]) == ("completed", "") and found["accuracy"] > 0.5
    assert [settings["activation"] for settings in found["ready"]] == ["tanh"]


def test_its_request_says_where_to_import_it_from():
    code = """
from experiments import extensions
print(extensions.outside("mlp", "mlp.pytorch:Model"), extensions.outside("cnn", "adapters.pytorch.cnn:Model"))
print(sorted(path.name for path in extensions.sources("mlp.network:NETWORK")))
"""
    first, second = python(code).stdout.splitlines()
    assert first == str({"outside": {"definition": "mlp.network:NETWORK", "packages": {"mlp": str(OUTSIDE)}}}) + " {}"
    assert second == "['__init__.py', 'network.py', 'pytorch.py', 'reference.py']"


TEMPERATURE = Setting("Of the softmax.", TIME, {"one": "1."})
OTHER = NETWORK._replace(name="other", workloads={})
CLASH, DOUBLE = NETWORK, NETWORK._replace(name="other")
REDEFINED = OTHER._replace(settings={"init": TEMPERATURE})
INCOMPLETE = OTHER._replace(
    settings={"temperature": TEMPERATURE}, implementations={"pytorch": Implementation("other:Model")}
)
MISPLACED = OTHER._replace(implementations={"pytroch": Implementation("other:Model")})


class Point:
    """What importlib.metadata gives of an entry point."""

    def __init__(self, name, value):
        self.name, self.value = name, value


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("mlp", "no_such_module:NETWORK", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("mlp", "adapters.networks.cnn:NETWORK", "is not a Network with the name 'mlp'"),
        ("mlp", "adapters.networks.cnn:PUBLISHED", "is not a Network"),
        ("cnn", "tests.experiments.test_extensions:CLASH", "the network 'cnn' exists already"),
        ("other", "tests.experiments.test_extensions:REDEFINED", "the setting 'init' has another meaning"),
        ("other", "tests.experiments.test_extensions:INCOMPLETE", "declares no position on temperature"),
        ("other", "tests.experiments.test_extensions:MISPLACED", "unknown adapter 'pytroch'. Did you mean 'pytorch'"),
        ("other", "tests.experiments.test_extensions:DOUBLE", "the workload 'digits_cnn' exists already"),
    ],
)
def test_a_broken_one_is_skipped_with_a_message(name, value, reason, monkeypatch, capsys):
    monkeypatch.setattr(extensions.metadata, "entry_points", lambda group: [Point(name, value)])
    extensions.register_networks()
    said = capsys.readouterr().err
    assert said.startswith(f"network '{name}' is skipped: ") and reason in said and said.count("\n") == 1
