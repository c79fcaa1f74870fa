"""`setup`: the frameworks' environments, built ahead of a sweep."""

import sys

import click

from adapters import load_spec
from experiments import locations
from sweeps.commands import arguments
from sweeps.commands.session import Session, with_session


@click.command()
@arguments.adapters
@arguments.device
@with_session
def setup(session: Session, adapters: list[str], device: str) -> None:
    """Build the frameworks' environments ahead of a sweep. Exit status 1 if one cannot be built."""
    from sweeps.execution import node

    made, unavailable = node.build_environments(map(load_spec, adapters), device, session.console)
    for name, new in made.items():
        session.console.print(f"{name}: {'built' if new else 'ready'}")
    session.result({"cache": str(locations.cache()), "built": made, "unavailable": unavailable})
    sys.exit(1 if unavailable else 0)
