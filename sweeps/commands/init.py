"""`init`: a new sweep file."""

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from adapters import ADAPTERS
from adapters.networks import SETTINGS
from experiments.errors import SweepError, one_line
from experiments.locations import write
from experiments.program import command
from sweeps.commands import arguments
from sweeps.commands.session import Session, with_session

ADAPTER_NAMES = arguments.Names("adapter", ADAPTERS)


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--name", help="Name of the sweep.  [default: the file's, else my-sweep]")
@click.option("--workload", help="Data and network.  [default: digits_cnn]")
@click.option("--adapters", type=ADAPTER_NAMES, help="Adapters, comma-separated.  [default: pytorch,tensorflow]")
@click.option("--design", help="Rule that makes the trials.  [default: one-at-a-time]")
@click.option(
    "--settings",
    type=arguments.AnyNames("setting"),
    help="Settings to compare, comma-separated.  [default: init,loss]",
)
@click.option("--seeds", type=click.IntRange(min=1), help="Seeds for each configuration.  [default: 3]")
@click.option("--force", is_flag=True, help="Overwrite the file if it exists.")
@with_session
def init(session: Session, path: Path | None, force: bool, **given: Any) -> None:
    """Write a commented sweep file to PATH (by default NAME.yaml).

    On a terminal it asks for the options that are not given; elsewhere they take their defaults.
    """
    from sweeps.configs import starter

    answers = _answers(path, given)
    file = path or Path(f"{answers['name']}.yaml")
    if file.exists() and not force:
        raise SweepError(f"'{file}' exists; choose another PATH, or overwrite it with --force")
    shown = shlex.quote(str(file))
    usage = one_line(f"Show its trials: {command(f'plan {shown}')}. Run it: {command(f'run {shown}')}.")
    write(file, starter.text(**answers, usage=usage), "choose another PATH")
    session.console.say(f"Sweep file: {file}")
    session.console.say(usage)
    session.result({"file": str(file.absolute()), **answers})


def _answers(path: Path | None, given: dict[str, Any]) -> dict[str, Any]:
    """The options: as given, as answered on a terminal, or at their defaults."""
    from experiments.trials.workload import WORKLOADS
    from sweeps.configs import starter
    from sweeps.planning import designs as known_designs

    designs, workloads = (arguments.Name("design", known_designs.known()), arguments.Name("workload", WORKLOADS))
    name = _answer(given["name"], "Name of the sweep", path.stem if path else "my-sweep", click.STRING)
    workload = _answer(given["workload"], f"Workload ({', '.join(workloads.known)})", "digits_cnn", workloads)
    adapters = _answer(given["adapters"], "Adapters, comma-separated", "pytorch,tensorflow", ADAPTER_NAMES)
    design = _answer(given["design"], f"Design ({', '.join(designs.known)})", designs.known[0], designs)
    settings, usual = given["settings"] or [], ",".join(starter.usual_settings(design))
    if usual:
        names = arguments.Names("setting", SETTINGS)
        settings = _answer(given["settings"], "Settings, comma-separated", usual, names)
    seeds = _answer(given["seeds"], "Seeds for each configuration", 3, click.IntRange(min=1))
    return {
        "name": name,
        "workload": workload,
        "adapters": adapters,
        "design": design,
        "settings": settings,
        "seeds": seeds,
    }


def _answer(given: Any, question: str, default: Any, kind: click.ParamType[Any]) -> Any:
    """An option's value: as given, else the answer on a terminal, else the default."""
    if given is not None:
        return given
    return click.prompt(question, default=default, type=kind, err=True) if on_terminal() else kind(default)


def on_terminal() -> bool:
    """Whether standard input is a terminal, so that questions can be answered."""
    return sys.stdin.isatty()
