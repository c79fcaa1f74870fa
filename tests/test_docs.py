"""The documentation keeps up with the program: generated parts, links, commands, sweep files, images."""

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec

import click
import pytest
import yaml

from adapters import load_spec
from docs.generator import catalog, drawing, interface, measured, pages
from experiments.locations import PROJECT
from sweeps.cli import main
from sweeps.planning import config
from tests.conftest import skip

README = PROJECT / "README.md"
TEXTS = {str(path.relative_to(PROJECT)): path.read_text() for path in pages.DOCUMENTS}
GENERATED = {name: text for name, text in TEXTS.items() if "<!-- generated: " in text}
BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
LARGEST = 200_000  # bytes of an image
INTERNAL = {"ROSETTA_THREADS"}  # from an adapter's declaration to its worker; not for users


def blocks(language):
    """[(page, content)] of the code blocks in a language, less their indentation."""
    return [
        (name, content) for name, text in TEXTS.items() for found, content in BLOCK.findall(text) if found == language
    ]


def run(*arguments, **variables):
    """Run the program as in a clone; its standard output."""
    command, environment = [sys.executable, "sweep.py", *arguments], {**os.environ, **variables}
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


# Generated parts


@pytest.mark.parametrize("name", GENERATED)
def test_generated_parts_are_up_to_date(name):
    assert pages.rendered(PROJECT / name) == GENERATED[name], "run: python -m docs.generate"


def test_every_part_is_on_a_page():
    shown = [part for text in GENERATED.values() for part in re.findall(r"<!-- generated: (.*?) -->", text)]
    assert set(shown) == set(pages.PARTS)


def test_the_drawing_is_up_to_date():
    assert pages.ARCHITECTURE.read_text() == drawing.architecture(), "run: python -m docs.generate"


def test_the_certificates_shown_belong_to_the_present_environments():
    """Which adapters, networks and environments; the numbers come from a machine that verified them all."""
    rows = json.loads(measured.CERTIFICATES.read_text())
    shown = [(row["adapter"], row["network"], row["environment"]) for row in rows]
    current = [
        (spec.name, network, measured.digest(spec))
        for network in catalog.NETWORKS
        for spec in catalog.with_network(network)
    ]
    assert shown == current, "run: rosetta verify, then python -m docs.generate certificates"


def test_the_defaults_that_were_read_back_are_declared_and_of_the_present_environments():
    for row in json.loads(measured.REGISTRY.read_text()):
        spec = load_spec(row["adapter"])
        assert row["environment"] == measured.digest(spec), "run: python -m docs.generate registry"
        assert row["settings"].keys() == spec.models.keys()
        for network, found in row["settings"].items():
            assert spec.native(network).items() <= found.items(), (spec.name, network)


def test_every_environment_variable_is_documented():
    sources = subprocess.run(["git", "ls-files", "adapters", "experiments", "sweeps"], cwd=PROJECT, capture_output=True)
    texts = [(PROJECT / name).read_text() for name in sources.stdout.decode().split() if name.endswith(".py")]
    read = {name.replace("ROSETTA_PYTHON_", "ROSETTA_PYTHON_X_Y") for name in _variables(" ".join(texts))}
    assert read - INTERNAL == _variables(" ".join(interface.VARIABLES))


def _variables(text):
    """The names that begin with ROSETTA_, the version of ROSETTA_PYTHON_3_6 left out."""
    return {re.sub(r"(?<=PYTHON_)\d\w*", "", name) for name in re.findall(r"\bROSETTA_[A-Z0-9_]+", text)}


# Pages


def test_the_readme_is_short_and_shows_a_report():
    assert len(TEXTS["README.md"].split()) <= 900
    assert re.search(r"!\[[^\]]+\]\(docs/images/\w+\.png\)", TEXTS["README.md"])


@pytest.mark.parametrize("name", TEXTS)
def test_links_and_images_exist(name):
    links = re.findall(r"\]\(([^)\s#]+)[^)]*\)", TEXTS[name])
    missing = [link for link in links if "://" not in link and not (PROJECT / name).parent.joinpath(link).exists()]
    assert not missing


def test_images_are_shown_and_small():
    images = sorted((PROJECT / "docs" / "images").iterdir())
    shown = {link.rpartition("/")[2] for text in TEXTS.values() for link in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)}
    assert {image.name for image in images} == shown
    assert all(image.stat().st_size <= LARGEST for image in images)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site."""
    if not find_spec("mkdocs"):
        skip("mkdocs", "install the documentation's packages (pyproject.toml, group docs)")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_builds_without_warnings_and_has_every_page(site):
    for name in TEXTS.keys() - {"README.md"}:
        path = site / name.removeprefix("docs/").removesuffix(".md")
        assert (path / "index.html").is_file() or path.with_suffix(".html").is_file(), name
    assert not list(site.rglob("*.py")) and not (site / "data").exists()


def test_the_site_loads_nothing_from_other_servers(site):
    loading = re.compile(r"<(?:script|img|link rel=\"(?:stylesheet|preconnect)\")[^>]*?(?:src|href)=\"?(https?:)?//")
    assert not [path for path in site.rglob("*.html") if loading.search(path.read_text())]


# Commands and examples


def commands():
    """[(page, words of a command line that begins with `rosetta`)] in code, in blocks and in lines."""
    inline = [(name, line) for name, text in TEXTS.items() for line in re.findall(r"`(rosetta [^`\n]+)`", text)]
    typed = [(name, line.strip()) for name, block in blocks("bash") for line in block.splitlines()]
    return [(name, line.split()) for name, line in [*inline, *typed] if line.startswith("rosetta ")]


@pytest.mark.parametrize(
    ("name", "words"), commands(), ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_documented_commands_exist(name, words):
    assert words[1] in main.commands, f"{name}: {' '.join(words)}"
    known = {written for option in main.commands[words[1]].params for written in option.opts} | {"--help"}
    assert {word for word in words if word.startswith("--")} <= known, f"{name}: {' '.join(words)}"


def test_every_command_and_option_has_a_help_text():
    for name, command in main.commands.items():
        assert command.help, name
        assert all(one.help for one in command.params if isinstance(one, click.Option)), name


def test_documented_make_targets_exist():
    makefile = (PROJECT / "Makefile").read_text()
    targets = {target for text in TEXTS.values() for target in re.findall(r"(?:^ *|`)make (\w+)", text, re.MULTILINE)}
    assert {"sweep", "test"} <= targets
    assert not [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)]


@pytest.mark.parametrize(
    ("name", "text"), [found for found in blocks("yaml") if "design:" in found[1]], ids=lambda value: value[:40]
)
def test_documented_sweep_files_are_valid(name, text, tmp_path):
    path = tmp_path / "sweep.yaml"
    path.write_text(text)
    assert config.load(path).name == yaml.safe_load(text)["name"]


@pytest.mark.parametrize(("name", "text"), blocks("python"), ids=lambda value: value[:20])
def test_documented_python_compiles(name, text):
    compile(text, name, "exec")


@pytest.mark.parametrize("arguments", [["plan", "quick"], ["plan", "quick", "--effect", "5"], ["adapters"]])
def test_cheap_commands_of_the_documentation_run(arguments, tmp_path):
    assert json.loads(run(*arguments, "--json", ROSETTA_HOME=str(tmp_path)))


def test_the_tutorials_comparison_of_code_runs(tmp_path):
    assert "rosetta rosetta cntk pytorch --workload digits_cnn" in TEXTS["docs/tutorial.md"]
    output = tmp_path / "page.html"
    run("rosetta", "cntk", "pytorch", "--workload", "digits_cnn", "--output", str(output))
    assert "CNTK" in output.read_text()


def test_make_sweep_runs_the_quick_sweep():
    shown = subprocess.run(["make", "-n", "-B", "sweep", "FRESH=1"], cwd=PROJECT, capture_output=True, text=True).stdout
    assert re.search(r"sweep\.py run \S*quick\S* --fresh", shown)


# Files in general


def test_no_lock_names_a_host_and_no_file_an_absolute_path():
    listed = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True).stdout.split()
    for name in listed:
        text = (PROJECT / name).read_text(errors="replace")
        if name.endswith((".lock", ".txt")):
            assert "://" not in text, name
        assert not re.search(r"(?<![\w.~$])/(root|home/\w+|work)/", text) or name == "tests/test_docs.py", name
