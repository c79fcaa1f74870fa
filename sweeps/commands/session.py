"""What every verb has: --home and --json, and the terminal."""

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from experiments import locations
from sweeps.console import Terminal


class Session:
    """The folder of the sweeps' state, and the terminal. With --json standard output carries the result alone."""

    def __init__(self, home: Path | None, as_json: bool):
        self.home = home.absolute() if home else locations.home()
        self.as_json = as_json
        self.console = Terminal(stderr=as_json)

    def result(self, value: Any) -> None:
        """Print the verb's result if --json was given."""
        if self.as_json:
            click.echo(json.dumps(value, allow_nan=False))


def with_session(function: Callable[..., None]) -> Callable[..., None]:
    """Add --home and --json to a verb, which takes a Session in their place."""

    @click.option(
        "--home",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder of the sweeps' state.  [default: ROSETTA_HOME, else ./runs]",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output, and nothing else.")
    @wraps(function)
    def command(home: Path | None, as_json: bool, **options: Any) -> None:
        function(Session(home, as_json), **options)

    return command
