"""`sync`: MLflow, brought up to date with the trials' records."""

import click

from experiments.errors import SweepError
from sweeps.commands import arguments
from sweeps.commands.session import Session, with_session


@click.command(epilog=arguments.NAME_HELP)
@click.argument("name", required=False)
@with_session
def sync(session: Session, name: str | None) -> None:
    """Write to MLflow what it lacks of a sweep.

    Needed after an outage of MLflow, or to fill a new server.
    """
    from sweeps.execution import driver
    from sweeps.state import latest

    name = arguments.sweep_name(session.home, name)
    folder = latest(session.home, name)
    if folder is None or not folder.plan.is_file():
        raise SweepError(f"there is no sweep '{name}' in '{session.home}'; run it first, or choose another --home")
    changed = driver.sync(folder)
    session.console.say(f"MLflow has sweep '{folder.title}': {changed} runs written or deleted")
    session.result({"sweep": folder.title, "changed": changed})
