"""Imports within adapters go one way, and nothing that all networks share names one."""

import ast
from pathlib import Path

import pytest

import adapters
from adapters.networks import NETWORKS
from experiments.locations import PROJECT

ROOT = Path(adapters.__file__).parent
# From the bottom up; theano is the library that two adapters share. The frameworks' folders share a level and do not
# import each other.
LEVELS = ("contract", "common", "networks", "theano")
FRAMEWORKS, TOP = len(LEVELS), len(LEVELS) + 1
REGISTRY = ("ADAPTERS", "load", "load_spec", "unknown")
FILES = sorted(ROOT.rglob("*.py"))


def level(parts):
    """The level of a module by the parts of its name below adapters."""
    if len(parts) == 1 and (ROOT / f"{parts[0]}.py").is_file():
        return TOP
    return LEVELS.index(parts[0]) if parts[0] in LEVELS else FRAMEWORKS


def imported(path):
    """Parts of adapters that a file imports; frameworks and what is above them may import the registry."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("adapters"):
            parts = node.module.split(".")[1:]
            yield from [parts] if parts else [[alias.name] for alias in node.names if alias.name not in REGISTRY]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down(path):
    own = list(path.relative_to(ROOT).with_suffix("").parts)
    here = TOP if own == ["__init__"] else level(own)
    for parts in imported(path):
        assert level(parts) < here or parts[0] == own[0] or here == TOP, (path, parts)


SHARED = [
    *(path for path in FILES if path.relative_to(ROOT).parts[0] in ("contract", "common") or path.parent == ROOT),
    *sorted((PROJECT / "experiments").rglob("*.py")),
]


@pytest.mark.parametrize("path", SHARED, ids=lambda path: str(path.relative_to(PROJECT)))
def test_nothing_shared_names_a_network(path):
    found = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
    assert not found & set(NETWORKS)
