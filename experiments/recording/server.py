"""A team's self-hosted MLflow server: `python -m experiments.recording.server FOLDER`.

It listens on 127.0.0.1 by default and always requires a password. FOLDER holds artifacts/, mlflow.db unless --database
names another one, and secrets/: files of one line, readable by their owner only:

    mlflow_password     of the administrator `rosetta`; read at the first start, generated if missing
    mlflow_key          signs the server's cookies; generated if missing
    postgres_password   of the database's user; read if present

MLFLOW_SERVER_ALLOWED_HOSTS lists the host names under which other machines reach the server. All other settings are
mlflow's own.
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
@click.option("--database", help="SQLAlchemy URL, without a password.  [default: FOLDER/mlflow.db]")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=5000, show_default=True, help="Port to listen on.")
@click.option(
    "--secrets",
    "keys",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the secrets.  [default: FOLDER/secrets]",
)
def main(folder: Path, database: str | None, host: str, port: int, keys: Path | None) -> None:
    """Run MLflow's server with its state in FOLDER. Every user needs a password."""
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
    """Raises TrackingError if the address can't be listened on: mlflow itself would retry without end."""
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        raise TrackingError(
            f"the MLflow server can't listen on {host}:{port} ({error.strerror}); choose another --host or --port"
        ) from None


def environment(folder: Path, database: str, keys: Path) -> dict[str, str]:
    """The variables that mlflow starts with; they keep secrets off its command line. Raises TrackingError."""
    try:
        password, key = (_secret(keys / name) for name in ("mlflow_password", "mlflow_key"))
        _write(folder / "auth.ini", _auth(database))
        postgres = keys / "postgres_password"
        found = {"PGPASSWORD": postgres.read_text().strip()} if postgres.is_file() else {}
    except OSError as error:
        raise TrackingError(
            f"'{error.filename}' can't be read or created: {error.strerror}; the MLflow server keeps its state there"
        ) from error
    return found | {
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
        "MLFLOW_AUTH_ADMIN_PASSWORD": password,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": key,
        "MLFLOW_BACKEND_STORE_URI": database,
        "MLFLOW_ARTIFACTS_DESTINATION": str(folder / "artifacts"),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # jobs evaluate language models, which is of no use here
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def _secret(path: Path) -> str:
    """A secret of one line, generated if missing. Raises TrackingError if it is empty."""
    if not path.exists():
        _write(path, secrets.token_urlsafe(24) + "\n")
    found = path.read_text().strip()
    if not found:
        raise TrackingError(
            f"'{path}' is empty; write a secret of one line into it, or remove it to have one generated"
        )
    return found


def _auth(database: str) -> str:
    """The settings of mlflow's basic-auth app: users may read everything, and change only what is theirs."""
    address = database.replace("%", "%%")  # as an INI file requires
    return f"[mlflow]\ndefault_permission = READ\ndatabase_uri = {address}\nadmin_username = {USER}\n"


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(content)


if __name__ == "__main__":
    main()
