"""Networks from outside the project: installed distributions name them in the entry-point group
`rosetta_sweep.networks`.

    [rosetta_sweep.networks]
    mlp = mlp.network:NETWORK

Only hosts look them up. A worker's interpreter has other packages, so its request says where to import a network from.
"""

import importlib.util
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from adapters import ADAPTERS, load_spec, unknown
from adapters.contract.network import Network
from adapters.networks import NETWORKS, register, validated
from experiments.errors import one_line

GROUP = "rosetta_sweep.networks"


def register_networks() -> None:
    """Make the networks of installed distributions known. One that is broken is skipped, with a message."""
    for point in metadata.entry_points(group=GROUP):
        try:
            check_implementations(validated(point.name, point.value))
            register(point.name, point.value)
        except Exception as error:
            reason = one_line(f"{type(error).__name__}: {error}")
            print(f"network '{point.name}' is skipped: {reason}; fix or uninstall it", file=sys.stderr)


def check_implementations(network: Network) -> None:
    """Raises ValueError where an implementation is for no adapter or lacks a position on one of the network's
    settings.
    """
    for adapter, implementation in network.implementations.items():
        if adapter not in ADAPTERS:
            raise ValueError(unknown("adapter", adapter, ADAPTERS))
        declared = load_spec(adapter).settings.keys() | implementation.settings.keys()
        missing = [setting for setting in network.settings if setting not in declared]
        if missing:
            raise ValueError(f"its implementation for {adapter} declares no position on {', '.join(missing)}")


def outside(model: str, implementation: str) -> dict[str, Any]:
    """What a worker's request says of a network from outside the project: see adapters/worker.py; empty for the
    others.
    """
    definition = NETWORKS[model]
    if not _is_outside(definition):
        return {}
    packages = {_package(reference): str(_folder(reference)) for reference in (definition, implementation)}
    return {"outside": {"definition": definition, "packages": packages}}


def sources(reference: str) -> list[Path]:
    """The Python files of the package that a reference from outside the project names; none for a reference within
    it.
    """
    if not _is_outside(reference):
        return []
    folder = _folder(reference)
    module = folder / f"{_package(reference)}.py"
    return [module] if module.is_file() else sorted((folder / _package(reference)).rglob("*.py"))


def _package(reference: str) -> str:
    return reference.partition(":")[0].partition(".")[0]


def _is_outside(reference: str) -> bool:
    return _package(reference) != "adapters"


def _folder(reference: str) -> Path:
    """The folder that contains the top-level package of a reference."""
    spec = importlib.util.find_spec(_package(reference))
    assert spec  # it was imported when the network was registered
    return Path(spec.submodule_search_locations[0] if spec.submodule_search_locations else str(spec.origin)).parent
