"""`plan`: what a sweep will run, what it can detect, and how long it takes. Nothing is trained."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from experiments.errors import TrackingError
from sweeps.commands import arguments
from sweeps.commands.session import Session, with_session

if TYPE_CHECKING:
    from sweeps.planning.config import Sweep
    from sweeps.planning.pilot import Pilot


@click.command(epilog=arguments.SWEEP_HELP)
@arguments.sweep
@click.option(
    "--deviation",
    type=click.FloatRange(min=0, min_open=True),
    help="Standard deviation of accuracy across seeds, in percentage points.  [default: estimated from earlier trials "
    "of the workload]",
)
@click.option(
    "--effect",
    type=click.FloatRange(min=0, min_open=True),
    help="Show how many seeds detect an effect of this size (80 % power): in percentage points, or in standard "
    "deviations if none is known.",
)
@with_session
def plan(session: Session, file: Path, deviation: float | None, effect: float | None) -> None:
    """Show a sweep's trials, detectable effects and device-hours.

    Nothing is trained. Choices that are left out are listed with the reason.
    """
    from sweeps.planning import config, planner, view
    from sweeps.planning.forecast import forecast  # scipy takes a second to import

    sweep = config.load(file)
    made = planner.plan(sweep)
    expected = forecast(made, _pilots(session, sweep), deviation, effect)
    session.console.print(view.table(made))
    for line in view.lines(made, expected):
        session.console.say(line)
    session.result({**made.as_dict(), **expected.as_dict()})


def _pilots(session: Session, sweep: "Sweep") -> "dict[str, Pilot]":
    """Earlier trials of the workload; none, with a message, while MLflow can't be reached."""
    from experiments.recording import reader  # mlflow takes seconds to import
    from sweeps.planning import pilot

    try:
        return pilot.pilots(reader.read_pilot(session.home, sweep.workload, sweep.device))
    except TrackingError as error:
        session.console.say(f"without earlier trials: {error}", "yellow")
        return {}
