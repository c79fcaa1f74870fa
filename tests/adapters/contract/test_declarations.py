"""What every adapter declares: complete, honest in form, and readable without any framework."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import adapters
from adapters import ADAPTERS, load_spec
from adapters.contract.spec import DEVICES, Supported, Unsupported
from adapters.networks import SETTINGS, load_network
from experiments.locations import PROJECT
from experiments.preparation.environments import Environment

FRAMEWORKS = ("torch", "tensorflow", "keras", "jax", "mxnet", "chainer", "cntk", "theano", "lasagne", "caffe2")


@pytest.mark.parametrize("name", ADAPTERS)
def test_takes_a_position_on_every_setting(name):
    spec = load_spec(name)
    assert spec.name == name
    assert set(spec.settings) == {setting for model in spec.models for setting in load_network(model).settings}
    for setting, position in spec.settings.items():
        if isinstance(position, Unsupported):
            assert position.reason
            continue
        assert position.native in spec.choices(setting)
        assert position.evidence
        # Every choice of the catalogue is supported, or refused with a reason.
        assert set(position.limits) < set(SETTINGS[setting].choices)
        assert all(position.limits.values())
        assert set(position.inert) <= set(DEVICES)
        assert set(position.variables) <= set(spec.choices(setting))


@pytest.mark.parametrize("name", ADAPTERS)
def test_conflicts_name_choices_the_adapter_has(name):
    for conflict in load_spec(name).conflicts:
        assert conflict.reason and conflict.devices and set(conflict.devices) <= set(DEVICES)
        assert all(choice in load_spec(name).choices(setting) for setting, choice in conflict.choices.items())


@pytest.mark.parametrize("name", ADAPTERS)
def test_requirements_are_pinned_with_hashes_and_name_no_host(name, tmp_path):
    spec = load_spec(name)
    devices = ("cpu",) if name == "reference" else DEVICES
    for device in devices:
        text = Environment(spec, device, tmp_path).requirements.read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text
        pins = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert pins and all("==" in line for line in pins)


def test_reading_every_declaration_imports_no_framework():
    code = f"""
import sys
from adapters import ADAPTERS, load_spec
for name in ADAPTERS: load_spec(name)
import experiments.preparation.environments, sweeps.planning.planner
print([name for name in {FRAMEWORKS!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True)
    assert done.stdout.strip() == "[]"


def test_adapters_are_written_for_python_3_6():
    for path in Path(adapters.__file__).parent.rglob("*.py"):
        ast.parse(path.read_text(), feature_version=(3, 6))


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(KeyError, match="Did you mean 'pytorch'"):
        load_spec("pytroch")


def test_refusal_and_inertness_have_reasons():
    pytorch, cntk = load_spec("pytorch"), load_spec("cntk")
    assert pytorch.refusal("layout", "nhwc") == ""
    assert "channels first" in cntk.refusal("layout", "nhwc")
    assert pytorch.inert("autotune", "cpu") and not pytorch.inert("autotune", "cuda")
    assert isinstance(cntk.settings["momentum"], Supported) and cntk.native("cnn")["momentum"] == "unit_gain"
