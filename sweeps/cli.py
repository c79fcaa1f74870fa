"""The command line, `rosetta VERB` or `python sweep.py VERB`. Each verb is a module of sweeps.commands."""

import signal
import sys
import tomllib
from importlib import metadata
from typing import Any

import click

from experiments import locations, processes
from experiments.errors import RosettaError
from experiments.program import SCRIPT
from experiments.program import name as program_name
from sweeps.commands.adapters import adapters
from sweeps.commands.claims import claims
from sweeps.commands.init import init
from sweeps.commands.plan import plan
from sweeps.commands.report import report
from sweeps.commands.rosetta import rosetta
from sweeps.commands.run import run
from sweeps.commands.setup import setup
from sweeps.commands.sync import sync
from sweeps.commands.transfer import transfer
from sweeps.commands.verify import verify
from sweeps.commands.watch import watch

DISTRIBUTION = "rosetta-sweep"
REFUSED, INTERRUPTED = 2, 130  # exit statuses
RESUME = "completed trials are saved; rerun the same command to resume"


class Verbs(click.Group):
    """Runs a verb; an error that its user can act on becomes one line and an exit status."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of use, not of the alphabet."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except RosettaError as error:
            message, status = f"error: {error}", REFUSED
        except OSError as error:  # a full disk, a missing permission, a file that vanished: of this machine
            message, status = f"error: {error.filename or 'a file'}: {error.strerror or error}; {RESUME}", REFUSED
        except KeyboardInterrupt:
            message, status = f"interrupted: {RESUME}", INTERRUPTED
        click.echo(message, err=True)
        sys.exit(status)


def _show_version(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"{DISTRIBUTION} {_version()}")
        context.exit()


def _version() -> str:
    """The version of the installed distribution, or of the checkout."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return str(tomllib.loads((locations.PROJECT / "pyproject.toml").read_text())["project"]["version"])


@click.group(
    cls=Verbs,
    epilog=f"The state of sweeps (ledger, mlflow.db, trials, reports) is in {locations.home()} (--home or "
    f"ROSETTA_HOME), environments and data in {locations.cache()} (ROSETTA_CACHE).",
    context_settings={"max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def main() -> None:
    """Measure what the defaults of deep-learning frameworks cost in accuracy and time.

    One network is trained in every framework, under every combination of their defaults.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)


for verb in (init, plan, setup, verify, run, watch, report, sync, adapters, rosetta, transfer, claims):
    main.add_command(verb)


def program() -> None:
    """Run the command line as it was called.

    Without arguments `rosetta` shows its help, and `python sweep.py` runs the shipped sweep `article`: `ray submit`
    starts a script without arguments.
    """
    processes.relax_gc()  # before the verbs' slow imports
    name = program_name()
    main(sys.argv[1:] or (["run", "article"] if name == SCRIPT else ["--help"]), prog_name=name)
