"""compose.yaml and the Dockerfiles as files, without Docker. tests/packaging/test_deployment.py runs their commands."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from experiments.locations import PROJECT

DOCKERFILES = [PROJECT / "deploy" / "Dockerfile", PROJECT / "deploy" / "framework.Dockerfile"]
COMPOSE = yaml.safe_load((PROJECT / "deploy" / "compose.yaml").read_text())
SERVICES = sorted(COMPOSE["services"])


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_reached_from_this_machine_alone_unless_told_otherwise(name):
    assert all(re.fullmatch(r"\$\{BIND:-127\.0\.0\.1\}:\d+:\d+", port) for port in COMPOSE["services"][name]["ports"])


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_says_whether_it_is_well_and_keeps_its_state(name):
    service = COMPOSE["services"][name]
    assert service["healthcheck"]["test"] and service["restart"] == "unless-stopped"
    assert {volume.split(":")[0] for volume in service["volumes"]} & set(COMPOSE["volumes"])
    assert re.search(r":\d+\.\d+[.\w-]*$", service["image"]), "an image is named with its version"


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_are_files(name):
    service = COMPOSE["services"][name]
    assert service["secrets"] and set(service["secrets"]) <= set(COMPOSE["secrets"])
    for variable, value in service.get("environment", {}).items():
        assert not re.search("PASSWORD|SECRET|TOKEN|KEY", variable) or value.startswith("/run/secrets/"), variable
    assert not re.search(r"://[^@\s]*:[^@\s]*@", yaml.safe_dump(service)), "an address with a password"
    assert all(secret["file"].startswith("../secrets/") for secret in COMPOSE["secrets"].values())
    assert (
        "/secrets/" in (PROJECT / ".gitignore").read_text()
        and "secrets" in (PROJECT / ".dockerignore").read_text().split()
    )


def test_the_server_in_the_container_knows_its_options():
    """The command in compose.yaml, with what it names made: as far as the port, which is taken."""
    from click.testing import CliRunner

    from experiments.recording import server

    program, module, name, *arguments = COMPOSE["services"]["mlflow"]["command"].split()
    assert (program, module, name) == ("python", "-m", server.__name__)
    said = CliRunner().invoke(server.main, [*arguments, "--host", "192.0.2.1"])  # an address that no machine has
    assert said.exit_code == 2 and "can't listen on 192.0.2.1:5000" in said.output


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_has_a_pinned_base_and_does_not_run_as_root(path):
    lines = re.sub(r"\\\n", " ", path.read_text()).splitlines()
    arguments = dict(line.removeprefix("ARG ").split("=") for line in lines if line.startswith("ARG ") and "=" in line)
    bases = [
        re.sub(r"\$\{(\w+)\}", lambda name: arguments[name[1]], line.split()[1])
        for line in lines
        if line.startswith("FROM ")
    ]
    assert bases and all(re.search(r":\d+\.\d+[.\w-]*$", base) for base in bases), bases
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users[-1] == "1000:1000"
    assert not re.search("password|secret|token", path.read_text(), re.IGNORECASE)


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_hadolint_finds_nothing(path):
    done = subprocess.run([Path(sys.executable).parent / "hadolint", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_image_carries_nothing_that_was_built_here():
    ignored = (PROJECT / ".dockerignore").read_text().split()
    assert {".git", ".venv", "runs", "secrets"} <= set(ignored)
