"""`init`: the file that it writes is valid, complete, and shows the way on."""

import json
import re

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from experiments.errors import SweepError
from sweeps.cli import main
from sweeps.configs import SCHEMA
from sweeps.planning import config, planner
from sweeps.planning.sweep_file import SweepFile


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def init(*arguments, answers=None):
    return CliRunner().invoke(main, ["init", *arguments], input=answers)


@pytest.fixture
def terminal(monkeypatch):
    """Standard input is a terminal, also that of click's runner."""
    monkeypatch.setattr("sweeps.commands.init.on_terminal", lambda: True)


def test_without_arguments_and_without_a_terminal_it_takes_the_defaults(folder):
    done = init("--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {
        "file": str(folder / "my-sweep.yaml"),
        "name": "my-sweep",
        "workload": "digits_cnn",
        "adapters": ["pytorch", "tensorflow"],
        "design": "one-at-a-time",
        "settings": ["init", "loss"],
        "seeds": 3,
    }
    made = config.load(folder / "my-sweep.yaml")
    assert made.settings == {
        "init": ["native", "glorot_uniform"],
        "loss": ["native", "logits", "probabilities", "softmax_twice"],
    }


DESIGNS = ["one-at-a-time", "factorial", "fractional", "path", "presets", "search"]


@pytest.mark.parametrize("design", DESIGNS)
def test_its_file_runs_plan(design, folder):
    assert init("mine.yaml", "--design", design).exit_code == 0
    done = CliRunner().invoke(main, ["plan", "mine.yaml", "--json", "--home", str(folder)])
    planned = json.loads(done.stdout)
    assert done.exit_code == 0 and planned["sweep"] == "mine" and planned["planned"] > 0
    jsonschema.validate(yaml.safe_load((folder / "mine.yaml").read_text()), json.loads(SCHEMA.read_text()))


@pytest.mark.parametrize("workload", ["digits_cnn", "imdb_gru"])
def test_it_says_what_it_was_told(workload, folder):
    arguments = "--name told --adapters cntk,jax --settings bias_init,compile --seeds 7".split()
    assert init("x.yaml", "--workload", workload, *arguments).exit_code == 0
    made = config.load(folder / "x.yaml")
    assert (made.name, made.workload.name, list(made.adapters), made.file.seeds) == (
        "told",
        workload,
        ["cntk", "jax"],
        7,
    )
    assert list(made.settings) == ["bias_init", "compile"] and planner.plan(made).trials


def test_every_key_is_there_and_the_commented_ones_have_their_defaults(folder):
    """With all of them in force it is the same sweep."""
    init("x.yaml", "--design", "factorial", "--settings", "autotune")
    text, schema = (folder / "x.yaml").read_text(), json.loads(SCHEMA.read_text())
    assert all(re.search(rf"^(# )?{key}:", text, flags=re.M) for key in SweepFile.model_fields)
    keys = {key for part in [schema, *schema["$defs"].values()] for key in part.get("properties", {})}
    whole = re.sub(rf"^(\s*)# (?=\s*({'|'.join(keys)}):)", r"\1", text, flags=re.M)
    assert "\n  num_cpus: 1" in whole and "\n  epochs: 10" in whole and "\nkeep_weights: false" in whole
    made = config.parse(yaml.safe_load(whole), "x")
    assert planner.plan(made).as_dict() == planner.plan(config.load(folder / "x.yaml")).as_dict()


def test_an_editor_finds_the_schema(folder):
    init("x.yaml")
    first = (folder / "x.yaml").read_text().splitlines()[0]
    assert first == f"# yaml-language-server: $schema=file://{SCHEMA}" and SCHEMA.is_file()


def test_on_a_terminal_it_asks_for_what_is_not_given(folder, terminal):
    done = init("--seeds", "5", "--json", answers="asked\nimdb_gru\npytroch\njax\nfactorial\ninit,reset\n")
    assert done.exit_code == 0, done.output
    assert "unknown adapter 'pytroch'. Did you mean 'pytorch'" in done.stderr and "Seeds" not in done.stderr
    made = config.load(folder / "asked.yaml")
    assert (made.workload.name, list(made.adapters), made.design.name, made.file.seeds) == (
        "imdb_gru",
        ["jax"],
        "factorial",
        5,
    )
    assert list(made.settings) == ["init", "reset"] and json.loads(done.stdout)["name"] == "asked"


def test_where_the_arguments_say_all_it_asks_nothing(folder, terminal):
    arguments = "--name all --workload digits_cnn --adapters jax --design search --settings init --seeds 1".split()
    done = init(*arguments)
    assert done.exit_code == 0 and config.load(folder / "all.yaml").design.options.trials and "[" not in done.output


def test_it_overwrites_only_when_told_to(folder):
    (folder / "x.yaml").write_text("mine")
    done = init("x.yaml")
    assert done.exit_code == 2 and "'x.yaml' exists; choose another PATH, or overwrite it with --force" in done.stderr
    assert (folder / "x.yaml").read_text() == "mine"
    assert init("x.yaml", "--force").exit_code == 0 and config.load(folder / "x.yaml").name == "x"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["A b.yaml"], "name: string should match pattern"),
        (["--settings", "inti"], "unknown setting of a cnn workload 'inti'. Did you mean 'init'"),
        (["--workload", "imdb_gru", "--settings", "momentum"], "unknown setting of a gru workload 'momentum'"),
        (["--workload", "mnist"], "unknown workload 'mnist'"),
        (["--design", "full"], "unknown design 'full'. Choices: one-at-a-time"),
        (["--design", "path", "--adapters", "jax"], "adapters must list two"),
        (["--design", "presets", "--settings", "init"], "leave settings and fixed out"),
        (["/dev/null/x.yaml"], "choose another PATH"),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_line_and_leaves_no_file(arguments, said, folder):
    done = init(*arguments)
    assert done.exit_code == 2 and said in done.stderr and done.stderr.count("\n") == 1
    assert list(folder.iterdir()) == []


def test_a_choice_that_yaml_would_read_as_a_boolean_is_quoted(folder):
    init("x.yaml", "--settings", "autotune")
    assert config.load(folder / "x.yaml").settings == {"autotune": ["native", "off", "on"]}
    (folder / "x.yaml").write_text((folder / "x.yaml").read_text().replace("'on'", "on"))
    with pytest.raises(SweepError, match="settings.autotune: YAML reads an unquoted on or off as a boolean"):
        config.load(folder / "x.yaml")
