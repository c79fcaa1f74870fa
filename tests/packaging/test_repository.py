"""The files for contributors and forges: they parse, and they name what exists."""

import re
import subprocess
import tomllib

import pytest
import yaml

from adapters import ADAPTERS, load_spec
from experiments.locations import PROJECT

GITHUB = PROJECT / ".github"
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
FILES = [*sorted(GITHUB.rglob("*.yml")), PROJECT / ".pre-commit-config.yaml", PROJECT / "CITATION.cff"]
WORKFLOW = yaml.safe_load((GITHUB / "workflows" / "ci.yml").read_text())
VERSION = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
TARGETS = set(re.findall(r"^(\w+):", (PROJECT / "Makefile").read_text(), flags=re.M))


def steps():
    return [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_is_yaml(path):
    assert isinstance(yaml.safe_load(path.read_text()), dict)


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_has_what_a_form_needs(path):
    form = yaml.safe_load(path.read_text())
    assert form["name"] and form["description"] and form["labels"]
    identifiers = [element["id"] for element in form["body"]]
    assert len(set(identifiers)) == len(identifiers)
    for element in form["body"]:
        assert element["type"] in ("input", "textarea", "checkboxes") and element["attributes"]["label"]
        assert all(option["label"] for option in element["attributes"].get("options", []))
        assert ("options" in element["attributes"]) == (element["type"] == "checkboxes")
    assert form["body"][-1]["type"] == "checkboxes"


def test_every_adapter_has_its_certificate_in_continuous_integration():
    matrix = WORKFLOW["jobs"]["certificates"]["strategy"]["matrix"]["include"]
    assert [(one["adapter"], one["python"]) for one in matrix] == [(name, load_spec(name).python) for name in ADAPTERS]


def test_continuous_integration_names_steps_that_exist():
    commands = "\n".join(step["run"] for step in steps() if "run" in step)
    assert {"lint", "docs", "wheel", "test"} == set(re.findall(r"\bmake (\w+)", commands))
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]) for step in steps() if "uses" in step)
    for step in steps():
        assert subprocess.run(["bash", "-n", "-c", step.get("run", "")], capture_output=True).stderr == b""


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", ".github/pull_request_template.md", "README.md"])
def test_every_make_command_exists(name):
    assert set(re.findall(r"`make (\w+)", (PROJECT / name).read_text())) <= TARGETS


def test_every_hook_runs_a_tool_of_the_environment():
    (repository,) = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    tools = {hook["entry"].split()[0] for hook in repository["hooks"]}
    assert tools == {".venv/bin/ruff", ".venv/bin/mypy"}


def test_the_version_is_the_same_everywhere():
    assert yaml.safe_load((PROJECT / "CITATION.cff").read_text())["version"] == VERSION
    assert re.findall(r"^## (\d+\.\d+\.\d+)", (PROJECT / "CHANGELOG.md").read_text(), flags=re.M)[0] == VERSION
