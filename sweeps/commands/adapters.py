"""`adapters`: the frameworks' defaults."""

import sys
from collections import defaultdict
from typing import Any

import click
from rich.table import Table

from adapters import load_spec
from adapters.contract.spec import AdapterSpec, Position, Supported
from adapters.networks import SETTINGS
from experiments import locations
from experiments.program import command
from sweeps.commands import arguments
from sweeps.commands.session import Session, with_session

UNSUPPORTED = "not supported"
WIDEST = 1000  # columns of a terminal


@click.command()
@arguments.adapters
@click.option(
    "--read-back",
    is_flag=True,
    help="Also read the defaults back from each framework whose environment is built. Exit status 1 if one differs.",
)
@with_session
def adapters(session: Session, adapters: list[str], read_back: bool) -> None:
    """Show the frameworks' defaults.

    Adapters that fit the terminal are shown side by side; otherwise each default is shown with its adapters.
    """
    specs = [load_spec(name) for name in adapters]
    console, table = session.console, _columns(specs)
    wanted = console.measure(table, options=console.options.update(max_width=WIDEST)).maximum
    console.print(table if wanted <= console.width else _rows(specs))
    found = {spec.name: _read_back(session, spec) for spec in specs} if read_back else {}
    shown = {spec.name: {name: _position(spec, name) for name in SETTINGS} for spec in specs}
    session.result(
        {
            name: {**positions, "read_back": found[name]} if found.get(name) else positions
            for name, positions in shown.items()
        }
    )
    sys.exit(any(network["differs"] for networks in found.values() for network in networks.values()))


def _columns(specs: list[AdapterSpec]) -> Table:
    """A row for each setting, a column for each adapter."""
    table = Table("setting", title="Framework defaults")
    for spec in specs:
        table.add_column(spec.name, no_wrap=True)
    for name in SETTINGS:
        table.add_row(name, *(_default(spec.position(name)) for spec in specs))
    return table


def _rows(specs: list[AdapterSpec]) -> Table:
    """A row for each default of each setting, with the adapters that have it."""
    table = Table(title="Framework defaults")
    table.add_column("setting", no_wrap=True)
    table.add_column("default", no_wrap=True)
    table.add_column("adapters")
    for name in SETTINGS:
        having = defaultdict(list)
        for spec in specs:
            having[_default(spec.position(name))].append(spec.name)
        for place, default in enumerate(sorted(having, key=lambda one: (one == UNSUPPORTED, -len(having[one])))):
            names = "all" if len(having) == 1 else ", ".join(having[default])
            table.add_row("" if place else name, default, names, end_section=place == len(having) - 1)
    return table


def _default(position: Position) -> str:
    return position.native if isinstance(position, Supported) else UNSUPPORTED


def _position(spec: AdapterSpec, setting: str) -> dict[str, Any]:
    position = spec.position(setting)
    if not isinstance(position, Supported):
        return {"supported": False, **position._asdict()}
    return {"supported": True, "choices": spec.choices(setting), **position._asdict()}


def _read_back(session: Session, spec: AdapterSpec) -> dict[str, Any]:
    """{network: {"settings", "versions", "differs"}}; empty without an environment.

    differs: a line, "" if all settings are as declared.
    """
    from experiments.preparation.environments import Environment
    from experiments.running.runner import mismatch
    from experiments.verification import read_back

    if not Environment(spec, "cpu", locations.cache()).ready:
        session.console.say(
            f"{spec.name}: its environment is not built; run `{command(f'setup --adapters {spec.name}')}`"
        )
        return {}
    found = {}
    for model in spec.models:
        read = read_back.read_back(spec, model, locations.cache())
        found[model] = {**read, "differs": mismatch(spec.native(model), read["settings"])}
        verdict = found[model]["differs"] or f"{len(spec.native(model))} settings as declared"
        session.console.say(f"{spec.name} {read['versions']['framework']}, {model}: {verdict}")
    return found
