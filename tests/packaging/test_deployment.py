"""A new node: the commands of ray_cluster.yaml and deploy/Dockerfile, run as they are written, in their own HOME.

Only what needs root, Debian's mirrors or a container is replaced: `sudo` runs its command, `apt-get` and the commands
of the image's user and folders do nothing.
"""

import getpass
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import uv
import yaml

from experiments.locations import PROJECT
from tests.conftest import need_program
from tests.services.conftest import Postgres

CLUSTER = yaml.safe_load((PROJECT / "ray_cluster.yaml").read_text())
VERSION = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
SUDO = '#!/bin/sh\nif [ "$1" = -u ]; then shift 2; exec {become} "$@"; fi\nexec "$@"\n'
NOTHING = "#!/bin/sh\n"
IMAGE = ("useradd", "install", "rm")  # they would change this machine

pytestmark = pytest.mark.xdist_group("deployment")


class Node:
    """A machine without the project: an empty HOME, its own PATH, and the packages that uv and pip have cached."""

    def __init__(self, folder: Path, replaced: dict[str, str]):
        self.home, programs = folder / "home", folder / "programs"
        self.home.mkdir()
        programs.mkdir()
        for name, script in replaced.items():
            (programs / name).write_text(script)
            (programs / name).chmod(0o755)
        need_program("make", "make")
        python = Path(sys.executable).resolve().parent
        names = [name for name in os.environ if name.startswith(("PIP_", "UV_", "SSL_"))]
        self.variables = {
            **{name: os.environ[name] for name in names},
            "HOME": str(self.home),
            "USER": getpass.getuser(),
            "PATH": os.pathsep.join([str(programs), str(python), "/usr/local/bin:/usr/bin:/bin"]),
            "LANG": "C.UTF-8",
            "UV_CACHE_DIR": cached([uv.find_uv_bin(), "cache", "dir"]),
            "PIP_CACHE_DIR": cached([sys.executable, "-m", "pip", "cache", "dir"]),
        }

    def run(self, command, folder=None):
        done = subprocess.run(
            ["bash", "-e", "-c", command], cwd=folder or self.home, env=self.variables, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def cached(command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def copy(target, names, ignored):
    """Copy files and folders of the project, but for the ignored ones."""
    target.mkdir(parents=True, exist_ok=True)
    for name in names:
        path = PROJECT / name
        if path.is_dir():
            shutil.copytree(path, target / name, ignore=shutil.ignore_patterns(*ignored), symlinks=True)
        else:
            shutil.copy(path, target / name)


def everything(ignored):
    return [path.name for path in PROJECT.iterdir() if path.name not in ignored]


@pytest.fixture
def postgres():
    """A PostgreSQL that identifies a user by the socket, as Debian's does."""
    user = "postgres" if os.getuid() == 0 else getpass.getuser()
    server = Postgres(user, "peer")
    try:
        yield server.start()
    finally:
        server.remove()


def test_a_new_head_node(tmp_path, postgres):
    node = Node(tmp_path, {"sudo": SUDO.format(become=shlex.join(postgres.become)), "apt-get": NOTHING})
    node.variables |= {"PGHOST": str(postgres.folder), "PGPORT": str(postgres.port)}
    node.variables["PATH"] += os.pathsep + str(postgres.programs)
    copy(node.home / "rosetta-sweep", everything(CLUSTER["rsync_exclude"]), CLUSTER["rsync_exclude"])
    (node.home / ".ray").mkdir()
    (node.home / ".ray" / "auth_token").write_text("token")
    (node.home / ".bashrc").write_text("true\n")
    for command in CLUSTER["setup_commands"] + CLUSTER["head_setup_commands"]:
        node.run(command)
    assert node.run("psql -AtX -c 'select 1' ledger; psql -AtX -c 'select 1' mlflow") == "1\n1\n"
    assert node.run("source ~/.bashrc; rosetta --version") == f"rosetta-sweep {VERSION}\n"
    assert node.run("source ~/.bashrc; rosetta plan --json > plan.json; python -m experiments.recording.server --help")
    assert json.loads((node.home / "plan.json").read_text())["trials"]


def test_the_head_node_starts_the_mlflow_server(tmp_path):
    """The command as it is, with a `python` that writes what it was asked for; the health check finds no server."""
    node = Node(tmp_path, {"curl": "#!/bin/sh\nexit 7\n", "python": '#!/bin/sh\necho "$@"\n'})
    (command,) = (one for one in CLUSTER["head_start_ray_commands"] if "experiments.recording.server" in one)
    node.run(f"{command}; wait; sleep 1")
    said = (node.home / "mlflow" / "server.log").read_text()
    assert said.startswith(f"-m experiments.recording.server {node.home}/mlflow --database postgresql:///mlflow")


def instructions(path):
    """[(instruction, arguments)] of a Dockerfile."""
    lines = re.sub(r"^#.*\n", "", path.read_text(), flags=re.M)
    return [tuple(line.split(None, 1)) for line in re.sub(r"\\\n", " ", lines).splitlines() if line.strip()]


def test_the_images_commands(tmp_path):
    node = Node(tmp_path, dict.fromkeys(("apt-get", *IMAGE), NOTHING))
    ignored = [name.removeprefix("**/") for name in (PROJECT / ".dockerignore").read_text().split()]
    folder = tmp_path / "image"
    folder.mkdir()
    node.variables["PATH"] = f"{folder}/.venv/bin{os.pathsep}{node.variables['PATH']}"  # as its ENV
    for instruction, arguments in instructions(PROJECT / "deploy" / "Dockerfile"):
        if instruction == "COPY":
            source = arguments.split()[1]
            names = [source] if source != "." else sorted(set(everything(ignored)) - set(os.listdir(folder)))
            copy(folder, names, ignored)
        elif instruction == "RUN":
            node.run(arguments, folder)
        elif instruction == "CMD":
            assert "Usage: rosetta" in node.run(shlex.join(json.loads(arguments)), folder)


def test_the_images_have_the_version_of_the_project():
    for name in ("Dockerfile", "framework.Dockerfile", "compose.yaml"):
        assert set(re.findall(r"rosetta-sweep[\w-]*:(\d[\d.]*\d)", (PROJECT / "deploy" / name).read_text())) == {
            VERSION
        }
