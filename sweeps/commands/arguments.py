"""Arguments that several verbs take."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from adapters import ADAPTERS, unknown
from experiments.errors import SweepError
from sweeps import configs

DEFAULT = "article"
SWEEP_HELP = (
    f"SWEEP is a sweep file, or the name of a shipped sweep: {', '.join(configs.names())}.  [default: {DEFAULT}]"
)
NAME_HELP = "NAME is a sweep's name or its sweep file.  [default: the latest sweep]"


class Name(click.ParamType[Any]):
    """A name of a table; a miss shows the choices and a near one."""

    def __init__(self, kind: str, known: Iterable[str]):
        self.name, self.kind, self.known = kind, kind, list(known)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value not in self.known:
            self.fail(unknown(self.kind, value, self.known), param, ctx)
        return value


class Names(Name):
    """Names of a table, comma-separated."""

    def __init__(self, kind: str, known: Iterable[str]):
        super().__init__(kind, known)
        self.name = f"{kind},..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return [super(Names, self).convert(name, param, ctx) for name in split(value)]


class AnyNames(click.ParamType[Any]):
    """Comma-separated names, which the verb checks itself."""

    def __init__(self, kind: str):
        self.name = f"{kind},..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return split(value)


def split(value: str | list[str]) -> list[str]:
    """The names of a comma-separated list, which click may have split already."""
    return [name.strip() for name in value.split(",")] if isinstance(value, str) else value


class Sweep(click.ParamType[Any]):
    """A sweep file, or a shipped sweep's name."""

    name = "sweep"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if isinstance(value, Path) else configs.find(value)


sweep = click.argument("file", metavar="[SWEEP]", type=Sweep(), default=DEFAULT)
adapters = click.option(
    "--adapters",
    type=Names("adapter", ADAPTERS),
    default=",".join(ADAPTERS),
    show_default="all",
    help="Adapters, comma-separated.",
)
device = click.option(
    "--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True, help="Device to compute on."
)


def sweep_name(home: Path, name: str | None) -> str:
    """The name of the sweep that a user means by a name, a sweep file or nothing. Raises SweepError."""
    from sweeps.planning import config

    if name:
        return config.load(Path(name)).name if name.endswith((".yaml", ".yml")) else config.checked_name(name)
    plans: Iterable[Path] = home.glob("*/*/plan.json")
    newest = max(plans, key=lambda path: path.stat().st_mtime, default=None)
    if newest is None:
        raise SweepError(f"there is no sweep in '{home}'; run one first, or name one, or choose another --home")
    return newest.parent.parent.name
