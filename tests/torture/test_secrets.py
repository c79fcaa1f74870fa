"""Secrets in every place where a user can put one must not appear in a sweep's files, output or processes."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from adapters import load_spec
from experiments import locations, redaction
from experiments.errors import EnvironmentFailed
from experiments.preparation.environments import Environment
from sweeps.cli import main
from tests.sweeps.test_end_to_end import TINY, command, write

pytestmark = pytest.mark.xdist_group("ray")

CANARY = "c4n4ry"
PLANTED = {
    "MLFLOW_TRACKING_USERNAME": f"{CANARY}user",
    "MLFLOW_TRACKING_PASSWORD": f"{CANARY}1",
    "MLFLOW_TRACKING_TOKEN": f"{CANARY}2",
    "RAY_AUTH_TOKEN": f"{CANARY}3",
    "PIP_EXTRA_INDEX_URL": f"http://me:{CANARY}4@127.0.0.1:9/simple",
    "AWS_SECRET_ACCESS_KEY": f"{CANARY}5",
    "PGPASSWORD": f"{CANARY}6",
}


@pytest.fixture
def node(tmp_path, certify):
    """The variables of a node with secrets, its own cache (with links to the shared one) and its own Ray folder."""
    certify("reference")
    (tmp_path / "cache").mkdir()
    for name in ("environments", "certificates", "data"):
        (locations.cache() / name).mkdir(exist_ok=True)
        (tmp_path / "cache" / name).symlink_to(locations.cache() / name)
    short = tempfile.mkdtemp(prefix="ray", dir="/tmp")  # a socket's path has 107 bytes at most
    yield {**os.environ, **PLANTED, "ROSETTA_CACHE": str(tmp_path / "cache"), "RAY_TMPDIR": short}
    shutil.rmtree(short, ignore_errors=True)


def read(path):
    """The content of a process's file; empty if the process has ended."""
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def descendants(root):
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := read(entry / "stat").rpartition(b")")[2].split()):
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found, waiting = found + children, waiting + children
    return found


def files_with(secret, folder):
    return [str(path) for path in sorted(folder.rglob("*")) if path.is_file() and secret.encode() in read(path)]


def test_no_file_or_process_of_a_sweep_has_a_secret(tmp_path, node):
    sweep = write(tmp_path, workload={**TINY, "epochs": 30}, settings={}, seeds=2, keep_weights=True)
    with (tmp_path / "output.txt").open("w") as output:
        process = subprocess.Popen(
            command(tmp_path, "run", sweep), stdout=output, stderr=output, env=node, cwd=tmp_path
        )
        titles, inherited = set(), {}
        while process.poll() is None:
            for pid in [process.pid, *descendants(process.pid)]:
                title = read(f"/proc/{pid}/cmdline")
                titles.add(title)
                if b"adapters.worker" in title:
                    inherited[pid] = read(f"/proc/{pid}/environ")
            time.sleep(0.1)
    assert process.returncode == 0, (tmp_path / "output.txt").read_text()
    assert inherited and any(b"raylet" in title for title in titles), titles
    assert not [title for title in titles if CANARY.encode() in title]
    assert not [variables for variables in inherited.values() if CANARY.encode() in variables]
    assert {"mlflow.db", "report.html", "events.jsonl", "worker.log", "request.json", "output.txt"} <= {
        path.name for path in tmp_path.rglob("*")
    }
    assert files_with(CANARY, tmp_path) == []
    assert files_with(CANARY, Path(node["RAY_TMPDIR"])) == []
    assert files_with("digits_cnn", tmp_path)  # proves that the search works


@pytest.mark.parametrize(
    "change",
    [
        {"MLFLOW_TRACKING_URI": f"http://me:{CANARY}7@127.0.0.1:9"},
        {"MLFLOW_TRACKING_URI": f"http://me:{CANARY}@{CANARY}@127.0.0.1:9/x?token={CANARY}"},
        {"MLFLOW_TRACKING_URI": f"weird://me:{CANARY}8@nowhere"},
        {"ROSETTA_LEDGER": f"postgresql://me:{CANARY}%40{CANARY}@127.0.0.1:9/x"},
        {"ROSETTA_LEDGER": f"postgresql://127.0.0.1:9/x?user=me&password={CANARY}"},
        {"ROSETTA_LEDGER": f"nonsense://me:{CANARY}/{CANARY}@127.0.0.1"},
    ],
    ids=lambda change: "".join(change.values()).replace(CANARY, ""),
)
def test_an_address_is_shown_without_its_password(change, tmp_path, monkeypatch, capfd):
    for name, value in change.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(main, ["run", write(tmp_path), "--home", str(tmp_path)])
    assert done.exit_code == 2 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1, done.stderr
    captured = capfd.readouterr()
    assert CANARY not in done.output + captured.out + captured.err and files_with(CANARY, tmp_path) == []


@pytest.mark.parametrize("variable", ["PIP_INDEX_URL", "UV_INDEX_URL"])
def test_the_password_of_a_package_index_is_not_logged(variable, tmp_path, monkeypatch):
    """The log and the error quote uv without the password. Package builds see no other secret."""
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "UV_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(variable, f"http://me:{CANARY}@127.0.0.1:9/simple")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(EnvironmentFailed, match="127.0.0.1:9") as caught:
        Environment(load_spec("reference"), "cpu", tmp_path).create()
    (log,) = tmp_path.glob("environments/*.log")
    assert (
        "127.0.0.1:9" in log.read_text()
        and CANARY not in str(caught.value)
        and files_with(CANARY, tmp_path / "environments") == []
    )


@pytest.mark.parametrize(
    "text", ["://" * 100_000, "?pass" * 100_000, "x://" + "a" * 300_000, "@" * 300_000, "?a" + "key" * 100_000]
)
def test_removing_passwords_is_fast_for_long_texts(text):
    start = time.process_time()
    assert len(redaction.without_passwords(text)) <= len(text) and time.process_time() - start < 2


def test_package_installers_get_no_credentials_but_those_of_the_index():
    passed = redaction.for_builders({**PLANTED, "PATH": "/bin", "ROSETTA_LEDGER": "postgresql://me:x@y"})
    assert set(passed) == {"PATH", "PIP_EXTRA_INDEX_URL"}


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("sqlite:////data/mlflow.db", "sqlite:////data/mlflow.db"),
        ("postgresql://me:a@b/c@host:1/x?user=me&sslpassword=q", "postgresql://host:1/x?user=me&sslpassword=***"),
        (
            "at (https://me:secret@host/x?access_token=y&z=1) or me@host",
            "at (https://host/x?access_token=***&z=1) or me@host",
        ),
    ],
)
def test_an_address_keeps_all_but_its_secrets(address, shown):
    assert redaction.without_passwords(address) == shown
