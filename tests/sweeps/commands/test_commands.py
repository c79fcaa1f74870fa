"""The command line: help, version, sweeps by name, the program's name in messages, and tables that fit 80 columns."""

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from adapters import ADAPTERS
from adapters.networks import SETTINGS
from experiments import program
from experiments.locations import PROJECT
from sweeps import configs
from sweeps.cli import main

INSTALLED = "import sys; sys.argv[0] = '/usr/bin/rosetta'; from sweeps.cli import program; program()"  # its script
SLOW = ("mlflow", "ray", "optuna", "scipy", "pandas", "pydantic", "adapters.worker")


def invoke(*arguments, **options):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], **options)


def started(start, *arguments, **variables):
    """The program in a process of its own, called as `rosetta` or as `sweep.py`."""
    command = [sys.executable, *start, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), **variables}
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=PROJECT, timeout=120)


@pytest.mark.parametrize("verb", list(main.commands))
def test_every_verb_has_help_that_fits_a_terminal(verb):
    done = invoke(verb, "--help", prog_name="rosetta", terminal_width=80)
    assert done.exit_code == 0 and done.output.startswith(f"Usage: rosetta {verb} ")
    assert "--home" in done.output and "--json" in done.output
    assert max(map(len, done.output.splitlines())) <= 80


def test_the_help_names_every_verb_in_a_whole_sentence():
    said = invoke("--help", terminal_width=80).output.partition("Commands:")[2]
    for verb in main.commands.values():
        assert verb.name in said and verb.get_short_help_str(65).endswith(".") and "..." not in said


def test_the_version_is_that_of_the_project():
    said = invoke("--version")
    assert said.exit_code == 0 and said.output.startswith("rosetta-sweep ") and said.output.strip()[-1].isdigit()


def test_help_imports_nothing_slow():
    code = f"import sys, sweeps.cli; print([name for name in {SLOW} if name in sys.modules])"
    assert started(["-c", code]).stdout.strip() == "[]"


def test_rosetta_without_a_verb_shows_its_help():
    done = started(["-c", INSTALLED])
    assert done.returncode == 0 and done.stdout.startswith("Usage: rosetta [OPTIONS] COMMAND")


def test_the_script_without_a_verb_runs_the_shipped_sweep(tmp_path):
    """One GPU a trial, which the tests' cluster does not have: it is refused before anything runs."""
    done = started(["sweep.py"], ROSETTA_HOME=str(tmp_path), CUDA_VISIBLE_DEVICES="", RAY_ADDRESS="")
    assert (tmp_path / "article" / "1" / "plan.json").is_file() and "Usage" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("start", "named"), [(["-c", INSTALLED], "rosetta"), (["sweep.py"], "python sweep.py")], ids=["rosetta", "sweep.py"]
)
def test_messages_name_the_program_as_it_was_called(start, named, tmp_path):
    page = tmp_path / "page.html"
    done = started(start, "rosetta", "pytorch", "--output", page, ROSETTA_CACHE=str(tmp_path))
    assert done.returncode == 0 and f"<code>{named} verify --adapters pytorch" in page.read_text()
    refused = started(start, "lunch")
    assert refused.returncode == 2 and f"Try '{named.removeprefix('python ')} --help'" in refused.stderr


def test_another_process_names_the_installed_program(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/ray/default_worker.py"])
    assert program.command("verify") == "rosetta verify"


def test_a_sweep_that_ships_is_named_without_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert configs.find("quick") == PROJECT / "sweeps" / "configs" / "quick.yaml"
    planned = invoke("plan", "search", "--json", "--home", tmp_path)
    assert planned.exit_code == 0 and json.loads(planned.stdout)["sweep"] == "search"
    assert "claims" not in configs.names() and configs.find_claims("claims").is_file()


def test_a_path_is_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("./quick", "quick.yaml", "quick.yml", "some/quick"):
        assert configs.find(name).parts[-1] == name.rpartition("/")[2] and not configs.find(name).exists()
        refused = invoke("plan", name)
        assert refused.exit_code == 2 and "there is no sweep file" in refused.stderr
    (tmp_path / "quick").write_text("name: mine")
    assert configs.find("quick").read_text() == "name: mine"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "quik"], "unknown shipped sweep 'quik'. Did you mean 'quick'? Choices: article, fashion, presets"),
        (["verify", "--sweep", "claims"], "unknown shipped sweep 'claims'"),
        (["claims", "clams"], "unknown shipped claims file 'clams'. Did you mean 'claims'"),
        (["plan", "mine"], "a file of yours is named by a path, such as ./mine.yaml"),
    ],
)
def test_an_unknown_name_is_one_line_with_the_names_that_ship(arguments, said, tmp_path):
    done = invoke(*arguments, "--home", tmp_path)
    assert done.exit_code == 2 and said in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "chosen", [[], ["--adapters", "pytorch,jax"], ["--adapters", "pytorch,jax,cntk,caffe2,chainer"]]
)
def test_the_defaults_fit_80_columns_without_cutting_a_word(chosen):
    lines = invoke("adapters", *chosen, env={"COLUMNS": "80"}).output.splitlines()
    assert max(map(len, lines)) <= 80 and not any("…" in line for line in lines)
    text = " ".join(lines)
    names = chosen[1].split(",") if chosen else ADAPTERS
    assert all(name in text for name in [*SETTINGS, *names])


def test_the_defaults_as_json_are_of_the_chosen_adapters():
    found = json.loads(invoke("adapters", "--adapters", "cntk", "--json").stdout)
    assert list(found) == ["cntk"] and found["cntk"]["momentum"]["native"] == "unit_gain"
