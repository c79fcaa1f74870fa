"""The MLflow server that a house shares: `python -m experiments.recording.server FOLDER`.

It listens on 127.0.0.1 unless told otherwise, and there is no way to start it without a password. FOLDER keeps artifacts/,
mlflow.db where no other database is named, and secrets/, files of one line that nobody else can read:

    mlflow_password     of the user `rosetta`, who may do everything; read at the first start, made where it is missing
    mlflow_key          with which the server signs what it sends to browsers; made where it is missing
    postgres_password   of the database's user; only read, and only where there is one

From other machines a server is reached by the names in MLFLOW_SERVER_ALLOWED_HOSTS; its other settings are mlflow's own.
"""

import os
import secrets
import socket
import sys
from pathlib import Path

import click

from experiments.errors import RosettaError, TrackingError

USER = "rosetta"


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--database", help="An SQLAlchemy address without a password; FOLDER/mlflow.db if not given.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=5000, show_default=True)
@click.option(
    "--secrets",
    "keys",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the secrets are; FOLDER/secrets if not given.",
)
def main(folder: Path, database: str | None, host: str, port: int, keys: Path | None) -> None:
    """Run MLflow's server over FOLDER; it asks everybody for a password."""
    folder = folder.absolute()
    try:
        check_address(host, port)
        variables = environment(folder, database or f"sqlite:///{folder / 'mlflow.db'}", keys or folder / "secrets")
    except RosettaError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--app-name",
        "basic-auth",
        "--host",
        host,
        "--port",
        str(port),
    ]
    os.execve(sys.executable, command, {**os.environ, **variables})


def check_address(host: str, port: int) -> None:
    """Raises TrackingError where nobody can listen there: mlflow would try again and again."""
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        raise TrackingError(
            f"the MLflow server can't listen on {host}:{port} ({error.strerror}); choose another --host or --port"
        ) from None


def environment(folder: Path, database: str, keys: Path) -> dict[str, str]:
    """The variables that mlflow starts with: no secret is on its command line. Raises TrackingError."""
    try:
        password, key = (_secret(keys / name) for name in ("mlflow_password", "mlflow_key"))
        _write(folder / "auth.ini", _auth(database))
        postgres = keys / "postgres_password"
        found = {"PGPASSWORD": postgres.read_text().strip()} if postgres.is_file() else {}
    except OSError as error:
        raise TrackingError(
            f"'{error.filename}' can't be read or made: {error.strerror}; the MLflow server keeps its state there"
        ) from error
    return (
        found
        | {
            "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
            "MLFLOW_AUTH_ADMIN_PASSWORD": password,
            "MLFLOW_FLASK_SERVER_SECRET_KEY": key,
            "MLFLOW_BACKEND_STORE_URI": database,
            "MLFLOW_ARTIFACTS_DESTINATION": str(folder / "artifacts"),
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # they judge language models' answers: processes that nobody uses here
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
    )


def _secret(path: Path) -> str:
    """A secret of one line; a missing one is made. Raises TrackingError where it is empty."""
    if not path.exists():
        _write(path, secrets.token_urlsafe(24) + "\n")
    found = path.read_text().strip()
    if not found:
        raise TrackingError(f"'{path}' is empty; write a secret of one line into it, or remove it and it is made")
    return found


def _auth(database: str) -> str:
    """What mlflow's basic-auth app reads. Those whom the administrator lets in see everything and change nothing of others'."""
    address = database.replace("%", "%%")  # of an INI file's value
    return f"[mlflow]\ndefault_permission = READ\ndatabase_uri = {address}\nadmin_username = {USER}\n"


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(content)


if __name__ == "__main__":
    main()
