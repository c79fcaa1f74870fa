"""Self-hosted services for tests: a PostgreSQL and a password-protected MLflow server, both on the loopback."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

from experiments.locations import PROJECT
from tests.conftest import free_port, need_program

USER = "rosetta"
PATIENCE = 600  # seconds; a busy machine takes minutes to start what an idle one starts in ten seconds


def wait_for(ready, what):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if ready():
            return
        time.sleep(0.2)
    raise AssertionError(f"{what} took more than {PATIENCE} seconds")


class Postgres:
    """A PostgreSQL server with one superuser. It refuses to run as root: then it runs as Debian's user `postgres`."""

    def __init__(self, user=USER, authentication="scram-sha-256"):
        self.programs = Path(need_program("postgres", "postgresql")).parent
        self.folder = Path(tempfile.mkdtemp(prefix="postgres-", dir="/tmp"))  # other users can't enter pytest's folders
        self.data, self.port, self.password = self.folder / "data", free_port(), secrets.token_hex(8)
        self.client = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": user, "PGPASSWORD": self.password}
        self.become = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
        password = self.folder / "password"
        password.write_text(self.password)
        if self.become:
            for path in (self.folder, password):
                shutil.chown(path, "postgres", "postgres")
        options = (
            f"--no-sync --username={user} --pwfile={password} --auth-local={authentication} --auth-host=scram-sha-256"
        )
        self._run("initdb", *options.split(), "-D", str(self.data))

    def _run(self, program, *arguments):
        subprocess.run(
            [*self.become, str(self.programs / program), *arguments], cwd="/", check=True, stdout=subprocess.DEVNULL
        )

    def start(self):
        settings = f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off -k {self.folder}"
        self._run("pg_ctl", "start", "--wait", "-D", str(self.data), "-l", str(self.folder / "log"), "-o", settings)
        return self

    def stop(self):
        self._run("pg_ctl", "stop", "--wait", "--mode=immediate", "-D", str(self.data))

    def sql(self, statement, database="postgres"):
        done = subprocess.run(
            ["psql", "-AtXq", "-v", "ON_ERROR_STOP=1", "-c", statement, database],
            env={**os.environ, **self.client},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def address(self, database):
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def socket_address(self, database):
        return f"postgresql:///{database}?host={self.folder}"

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder)


class Mlflow:
    """`python -m experiments.recording.server` over a folder and a database."""

    def __init__(self, folder, postgres):
        self.folder, self.port, self.database = folder, free_port(), postgres.address("mlflow")
        self.uri, self.log = f"http://127.0.0.1:{self.port}", folder / "server.log"
        secret = folder / "secrets" / "postgres_password"
        secret.parent.mkdir(parents=True)
        secret.write_text(postgres.password + "\n")

    @property
    def password(self):
        return (self.folder / "secrets" / "mlflow_password").read_text().strip()

    def start(self):
        command = [
            sys.executable,
            "-m",
            "experiments.recording.server",
            str(self.folder),
            "--database",
            self.database,
            "--port",
            str(self.port),
        ]
        with self.log.open("a") as log:
            environment = {
                **os.environ,
                "MLFLOW_WORKERS": "1",
                "MLFLOW_TRACKING_URI": self.uri,
            }  # as on a head node: it names itself
            self.process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=log, stderr=log)
        wait_for(self._answers, f"the start of the MLflow server ({self.log})")
        return self

    def _answers(self):
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        try:
            return urllib.request.urlopen(f"{self.uri}/health", timeout=5).status == 200
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=PATIENCE)


@pytest.fixture(scope="module")
def postgres():
    server = Postgres()
    try:
        server.start()
        for database in ("ledger", "mlflow"):
            server.sql(f"create database {database}")
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="module")
def mlflow(postgres, tmp_path_factory):
    server = Mlflow(tmp_path_factory.mktemp("services") / "mlflow", postgres)
    try:
        yield server.start()
    finally:
        server.stop()
