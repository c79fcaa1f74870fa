"""Sweep files: the ones that ship, found by name, their schema, and new ones."""

import os
from collections.abc import Iterable
from pathlib import Path

from adapters import unknown
from experiments.errors import SweepError

FOLDER = Path(__file__).resolve().parent
SCHEMA = FOLDER / "sweep.schema.json"
CLAIMS_SCHEMA = FOLDER / "claims.schema.json"
CLAIMS = "claims"  # the one file here that holds claims; all others hold a sweep


def names() -> list[str]:
    """The names of the shipped sweeps."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml") if path.stem != CLAIMS)


def find(name: str) -> Path:
    """The file of a sweep, given by its path or by the name of a shipped one. Raises SweepError for an unknown name."""
    return _find(name, names(), "sweep")


def find_claims(name: str) -> Path:
    """The same for a claims file."""
    return _find(name, [CLAIMS], "claims file")


def _find(name: str, shipped: Iterable[str], kind: str) -> Path:
    path = Path(name)
    if name in shipped and not path.is_file():
        return FOLDER / f"{name}.yaml"
    if os.sep in name or path.suffix in (".yaml", ".yml") or path.is_file():
        return path
    raise SweepError(
        f"{unknown(f'shipped {kind}', name, shipped)}; a file of yours is named by a path, such as ./{name}.yaml"
    )
