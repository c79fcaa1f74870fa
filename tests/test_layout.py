"""The layout: which parts may import which, where each library may be imported, and how long code may be."""

import ast
import subprocess
import sys
from functools import cache

import pytest

from experiments.locations import PROJECT

PACKAGES = ("adapters", "experiments", "sweeps")
SOURCES = [path for name in PACKAGES for path in sorted((PROJECT / name).rglob("*.py"))]
# A part may import the parts to its right. The parts of one entry don't import each other.
DIRECTIONS = {
    "sweeps": [("cli",), ("commands",), ("configs",), ("execution",), ("reporting",), ("planning",), ("analysis",)],
    "experiments": [("verification",), ("recording", "running"), ("trials",), ("preparation",)],
    "adapters": [("worker",), ("FRAMEWORK",), ("networks",), ("common",), ("contract",)],
}
GROUND = {  # parts that every other part of the package may import, and that import none of these
    "sweeps": {"console", "markdown", "state"},
    "experiments": {"errors", "extensions", "locations", "processes", "program", "redaction"},
    "adapters": {"__init__"},
}
WALLS = {
    "ray": ("sweeps/execution/scheduler.py",),
    "optuna": ("sweeps/execution/", "sweeps/analysis/importance.py"),
    "mlflow": ("experiments/recording/",),
}
FRAMEWORKS = (
    "torch",
    "tensorflow",
    "keras",
    "jax",
    "flax",
    "optax",
    "mxnet",
    "chainer",
    "cntk",
    "theano",
    "lasagne",
    "caffe2",
)
LEAVES = {
    "contract",
    "common",
    "networks",
    "worker.py",
    "__init__.py",
    "reference",
}  # parts of adapters/ that import no framework
LONGEST_FILE, LONGEST_FUNCTION, LONGEST_LINE = 300, 30, 120


def name_of(path):
    return str(path.relative_to(PROJECT))


@cache
def tree(path):
    return ast.parse(path.read_text())


def imported(path):
    """The modules that a file imports anywhere, including in functions and for type checkers."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found


def part_of(module):
    """(package, part) of a module name; the part of a framework's folder is FRAMEWORK."""
    package, _, rest = module.partition(".")
    part = rest.split(".")[0] or "__init__"
    known = {one for entry in DIRECTIONS[package] for one in entry} | GROUND[package]
    return package, part if part in known or package != "adapters" else "FRAMEWORK"


def floor(package, part):
    order = DIRECTIONS[package]
    return next((place for place, entry in enumerate(order) if part in entry), len(order))


def module_of(path):
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_imports_run_in_one_direction(path):
    package, part = part_of(module_of(path))
    for module in imported(path):
        top = module.partition(".")[0]
        if top not in PACKAGES:
            continue
        assert PACKAGES.index(top) <= PACKAGES.index(package), f"{name_of(path)} imports {module}"
        other = part_of(module)[1]
        if top == package and other != part and "__init__" not in (part, other):
            both_ground = {part, other} <= GROUND[package]
            assert both_ground or floor(package, other) > floor(package, part), f"{name_of(path)} imports {module}"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_each_library_is_imported_only_where_allowed(path):
    tops = {module.partition(".")[0] for module in imported(path)}
    for library, places in WALLS.items():
        assert library not in tops or name_of(path).startswith(places), f"{name_of(path)} imports {library}"
    inside = path.relative_to(PROJECT).parts
    leaf = inside[0] == "adapters" and inside[1] not in LEAVES and inside[-1] != "__init__.py"
    assert leaf or not tops & set(FRAMEWORKS), f"{name_of(path)} imports a framework"


def test_a_ray_worker_starts_without_pydantic():
    code = (
        "import sys, experiments.running.runner, experiments.running.temporary, sweeps.execution.scheduler\n"
        "print([name for name in ('pydantic', 'mlflow', 'optuna', 'sweeps.planning') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_functions_and_lines_are_short(path):
    lines = path.read_text().splitlines()
    assert len(lines) <= LONGEST_FILE
    assert [number for number, line in enumerate(lines, 1) if len(line) > LONGEST_LINE] == []
    long = {node.name: length(node) for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef)}
    assert {name: size for name, size in long.items() if size > LONGEST_FUNCTION} == {}


def length(function):
    """The number of lines of a function without its docstring."""
    first = function.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    start = first.end_lineno if documented and len(function.body) > 1 else first.lineno - 1
    return function.end_lineno - start + (first.lineno - function.lineno if not documented else 0)
