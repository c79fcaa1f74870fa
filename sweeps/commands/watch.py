"""`watch`: a running sweep, seen from another terminal."""

import click

from sweeps.commands import arguments
from sweeps.commands.session import Session, with_session


@click.command(epilog=arguments.NAME_HELP)
@click.argument("name", required=False)
@click.option(
    "--every", type=click.FloatRange(min=1), default=5, show_default=True, help="Seconds between two updates."
)
@with_session
def watch(session: Session, name: str | None, every: float) -> None:
    """Show a running sweep's progress, effects and warnings.

    Ends when the sweep is complete.
    """
    from experiments.recording import reader
    from sweeps.reporting import publish
    from sweeps.reporting import watch as view
    from sweeps.reporting.results import summary

    found = reader.last_sweep(session.home, arguments.sweep_name(session.home, name))
    session.result(summary(view.watch(lambda: publish.read_results(found), session.console, every)))
