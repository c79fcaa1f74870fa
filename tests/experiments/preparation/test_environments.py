"""Environments: built once from pinned requirements, complete or not at all; a failure is a one-line error."""

import multiprocessing
import os
import stat

import pytest

from adapters import load_spec
from experiments.errors import EnvironmentFailed
from experiments.preparation import environments
from experiments.preparation.environments import Environment, find_interpreter, package_index_settings

REFERENCE = load_spec("reference")


def test_an_environment_is_built_once_and_named_by_its_digest(tmp_path):
    made = Environment(REFERENCE, "cpu", tmp_path)
    steps = []
    assert made.create(steps.append) is True
    assert steps == ["make", "install", "complete", "write manifest"]
    assert made.create(steps.append) is False and len(steps) == 4
    assert made.manifest()["digest"] == made.digest and made.digest[:12] in made.folder.name
    assert any(line.startswith("numpy==") for line in made.manifest()["packages"])


def test_another_interpreter_or_pin_is_another_environment(tmp_path, monkeypatch):
    made = Environment(REFERENCE, "cpu", tmp_path)
    other = Environment(REFERENCE._replace(python="3.12"), "cpu", tmp_path)
    assert made.digest != other.digest
    before = made.digest
    pins = tmp_path / "requirements.txt"
    pins.write_text("numpy==1.0")
    monkeypatch.setattr(Environment, "requirements", pins)
    assert made.digest != before


def test_an_incomplete_environment_is_rebuilt(tmp_path):
    made = Environment(REFERENCE, "cpu", tmp_path)
    (made.folder / "bin").mkdir(parents=True)
    (made.folder / "bin" / "python").write_text("#!/bin/false")
    assert not made.ready
    assert made.create() is True


def _create(cache):
    return Environment(REFERENCE, "cpu", cache).create()


def test_two_processes_build_an_environment_once(tmp_path):
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert sorted(pool.map(_create, [tmp_path, tmp_path])) == [False, True]


def test_a_failed_installation_is_one_line_with_the_path_of_the_log(tmp_path, monkeypatch):
    pins = tmp_path / "requirements.txt"
    pins.write_text("numpy==2.3.5 --hash=sha256:" + "0" * 64)
    monkeypatch.setattr(Environment, "requirements", pins)
    made = Environment(REFERENCE, "cpu", tmp_path)
    with pytest.raises(
        EnvironmentFailed, match="environment of reference could not be built.*[Hh]ash.*whole log"
    ) as caught:
        made.create()
    assert "\n" not in str(caught.value) and not made.ready


def test_a_device_without_requirements_is_refused(tmp_path):
    with pytest.raises(EnvironmentFailed, match="no requirements-cuda.txt"):
        Environment(REFERENCE, "cuda", tmp_path).create()


def test_a_missing_interpreter_names_the_version_and_the_remedies(monkeypatch):
    monkeypatch.setattr(environments, "_installed", lambda version: None)
    with pytest.raises(EnvironmentFailed, match="needs Python 3.6.*pyenv or conda.*ROSETTA_PYTHON_3_6.*python:3.6"):
        find_interpreter(load_spec("cntk"))
    assert find_interpreter(REFERENCE) == "3.11"  # uv downloads it


def test_an_interpreter_from_a_variable_is_used_or_refused(monkeypatch, tmp_path):
    program = tmp_path / "python"
    monkeypatch.setenv("ROSETTA_PYTHON_3_6", str(program))
    with pytest.raises(EnvironmentFailed, match="not a program"):
        find_interpreter(load_spec("cntk"))
    program.write_text("")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    assert find_interpreter(load_spec("cntk")) == str(program)


def test_the_settings_of_pip_are_passed_to_uv(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    assert package_index_settings("cpu") == {"UV_TORCH_BACKEND": "cpu"}
    assert package_index_settings("cuda") == {}
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels")
    monkeypatch.setenv("PIP_INDEX_URL", "http://localhost/simple")
    assert package_index_settings("cpu") == {"UV_FIND_LINKS": "/wheels", "UV_INDEX_URL": "http://localhost/simple"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere; the next test covers root")
def test_an_unwritable_cache_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(EnvironmentFailed, match="ROSETTA_CACHE"):
        Environment(REFERENCE, "cpu", tmp_path / "cache").create()


def test_a_cache_that_is_not_a_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFailed, match="ROSETTA_CACHE"):
        Environment(REFERENCE, "cpu", tmp_path / "file").create()
