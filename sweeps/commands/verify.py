"""`verify`: certificates that adapters compute the same function as the reference."""

import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from sweeps.commands import arguments
from sweeps.commands.session import Session, with_session
from sweeps.console import Terminal


@click.command()
@arguments.adapters
@click.option("--workload", help="Verify the network of this workload.  [default: every network]")
@click.option(
    "--sweep",
    "file",
    type=arguments.Sweep(),
    help="Verify only the adapters of this sweep (a file, or a shipped sweep's name) without a certificate on this "
    "machine; skip those that cannot be installed.",
)
@arguments.device
@with_session
def verify(session: Session, adapters: list[str], workload: str | None, file: Path | None, device: str) -> None:
    """Prove that adapters compute the same function as the reference.

    Exit status 1 if one does not, or cannot run on this machine.
    """
    from sweeps.execution import certification

    show = partial(_show, session.console)
    if file:
        from sweeps.planning import config

        done = certification.of_sweep(config.load(file), session.console, show)
    else:
        done = certification.of_adapters(adapters, workload, device, session.console, show)
    if done.passed:
        agrees = "every case agrees with the reference"
        session.console.say(agrees if done.results else "nothing to verify: the certificates exist")
    else:
        session.console.say("not every case agrees with the reference", "red")
    results = [result.as_dict() for result in done.results]
    session.result({"passed": done.passed, "results": results, "unavailable": done.unavailable})
    sys.exit(0 if done.passed else 1)


def _show(console: Terminal, result: Any) -> None:
    """One case: its verdict and the largest differences."""
    numbers = ", ".join(f"{name} {value:.1e}" for name, value in result.max_difference.items())
    verdict, color = ("passed", "green") if result.passed else ("FAILED", "red")
    facts = result.error or f"{numbers} (at most {result.case.tolerance:g}, {result.case.steps} steps)"
    console.say(f"{verdict} {result.adapter} {result.workload} {result.case.name}: {facts}", color)
