"""The MLflow server's start: where it listens, its secrets, and what it says where it can't start."""

import configparser
import socket
import stat

import pytest
from click.testing import CliRunner

from experiments.errors import TrackingError
from experiments.recording import server
from tests.conftest import free_port


@pytest.fixture
def started(monkeypatch):
    """What the server would become: [(command, variables)]."""
    calls = []
    monkeypatch.setattr(server.os, "execve", lambda program, command, variables: calls.append((command, variables)))
    return calls


def run(*arguments):
    return CliRunner().invoke(server.main, [str(argument) for argument in arguments])


def test_it_listens_on_this_machine_alone_and_asks_for_a_password(tmp_path, started):
    assert run(tmp_path, "--port", free_port()).exit_code == 0
    ((command, variables),) = started
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert command[command.index("--app-name") + 1] == "basic-auth"
    assert variables["MLFLOW_BACKEND_STORE_URI"] == f"sqlite:///{tmp_path}/mlflow.db"
    password = (tmp_path / "secrets" / "mlflow_password").read_text().strip()
    assert len(password) >= 24 and variables["MLFLOW_AUTH_ADMIN_PASSWORD"] == password
    assert not any(password in part for part in command)


def test_another_address_asks_for_a_password_too(tmp_path, started):
    assert run(tmp_path, "--host", "0.0.0.0", "--port", free_port()).exit_code == 0
    assert "basic-auth" in started[0][0] and started[0][1]["MLFLOW_AUTH_ADMIN_PASSWORD"]


def test_secrets_are_created_once_and_other_users_cannot_read_them(tmp_path):
    first = server.environment(tmp_path, "sqlite:///x", tmp_path / "secrets")
    assert first == server.environment(tmp_path, "sqlite:///x", tmp_path / "secrets")
    files = [*(tmp_path / "secrets").iterdir(), tmp_path / "auth.ini"]
    assert len(files) == 3 and {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_the_databases_password_is_no_part_of_its_address(tmp_path):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "postgres_password").write_text("p\n")
    variables = server.environment(tmp_path, "postgresql://rosetta@db/mlflow?options=%2Dc", tmp_path / "secrets")
    assert variables["PGPASSWORD"] == "p"
    config = configparser.ConfigParser()
    config.read(variables["MLFLOW_AUTH_CONFIG_PATH"])
    assert config["mlflow"]["database_uri"] == "postgresql://rosetta@db/mlflow?options=%2Dc"


def test_an_empty_secret_is_refused(tmp_path):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "mlflow_password").write_text("\n")
    with pytest.raises(TrackingError, match="mlflow_password' is empty; write a secret"):
        server.environment(tmp_path, "sqlite:///x", tmp_path / "secrets")


def test_what_keeps_it_from_starting_is_one_clear_line(tmp_path, started):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = run(tmp_path, "--port", other.getsockname()[1])
    assert taken.exit_code == 2 and "choose another --host or --port" in taken.output
    (tmp_path / "file").write_text("")
    odd = run(tmp_path / "file" / "folder", "--port", free_port())
    assert odd.exit_code == 2 and "can't be read or created" in odd.output
    assert started == [] and all(len(said.output.strip().splitlines()) == 1 for said in (taken, odd))
