"""`plan`: what a sweep will run, what it can detect, and how long it takes. Nothing is trained."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from experiments.errors import TrackingError
from sweeps.commands import arguments
from sweeps.commands.session import Session, with_session

if TYPE_CHECKING:
    from sweeps.planning.config import Sweep


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
    from sweeps.planning import config, view

    planned = _planned(session, config.load(file), deviation, effect)
    session.console.print(view.table(planned))
    for line in view.lines(planned, effect):
        session.console.say(line)
    session.result(planned)


def _planned(session: Session, sweep: "Sweep", deviation: float | None, effect: float | None) -> dict[str, Any]:
    from sweeps.planning import pilot, planner, power  # scipy takes a second to import

    made = planner.plan(sweep)
    known = _pilots(session, sweep)
    deviations = {name: one.deviation for name, one in known.items() if one.deviation}
    hours, without = pilot.device_hours(known, made.adapters)
    return {
        **made.as_dict(),
        "power": power.of_plan(made, dict.fromkeys(sweep.adapters, deviation) if deviation else deviations, effect),
        "pilot": {name: known[name]._asdict() for name in sweep.adapters if name in known},
        "device_hours": hours,
        "without_pilot": without,
    }


def _pilots(session: Session, sweep: "Sweep") -> dict[str, Any]:
    """Earlier trials of the workload; none, with a message, while MLflow can't be reached."""
    from experiments.recording import reader  # mlflow takes seconds to import
    from sweeps.planning import pilot

    try:
        return dict(pilot.pilots(reader.read_pilot(session.home, sweep.workload.resolve(), sweep.resources.device)))
    except TrackingError as error:
        session.console.say(f"without earlier trials: {error}", "yellow")
        return {}
