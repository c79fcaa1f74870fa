"""`report`: a sweep's report, written again from MLflow."""

import click

from sweeps.commands import arguments
from sweeps.commands.session import Session, with_session


@click.command(epilog=arguments.NAME_HELP)
@click.argument("name", required=False)
@with_session
def report(session: Session, name: str | None) -> None:
    """Write the report of a sweep from its runs in MLflow."""
    from experiments.recording import reader
    from sweeps.reporting import publish
    from sweeps.state import SweepFolder, latest

    name = arguments.sweep_name(session.home, name)
    folder = latest(session.home, name) or SweepFolder(session.home, name, 1)
    session.result(publish.write_report(reader.last_sweep(session.home, name), folder, session.console))
