"""`run`: a sweep from its first trial to its report."""

from pathlib import Path

import click

from sweeps.commands import arguments
from sweeps.commands.session import Session, with_session


@click.command(epilog=arguments.SWEEP_HELP)
@arguments.sweep
@click.option("--fresh", is_flag=True, help="Start a new run of the sweep; earlier results are kept.")
@click.option("--unverified", is_flag=True, help="Also run adapters without a certificate; the report names them.")
@click.option(
    "--adapters", type=arguments.AnyNames("adapter"), help="Restrict the sweep to these adapters (comma-separated)."
)
@click.option(
    "--settings", type=arguments.AnyNames("setting"), help="Restrict the sweep to these settings (comma-separated)."
)
@with_session
def run(
    session: Session, file: Path, fresh: bool, unverified: bool, adapters: list[str] | None, settings: list[str] | None
) -> None:
    """Run or resume a sweep, then write its report."""
    from sweeps.planning import config

    declared = config.load(file)
    if adapters or settings:
        declared = config.part(declared, adapters, settings)
    if unverified:
        declared = config.without_certificates(declared)
    from sweeps.execution import driver  # ray, mlflow and optuna take seconds to import

    session.result(driver.run(declared, session.home, fresh, session.console))
