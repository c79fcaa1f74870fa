"""Shared by all tests: environments that are really built, homes that are thrown away, and honest skips.

An adapter whose interpreter this machine can't have is skipped by name with the remedy, and counted in the closing summary.
REQUIRE_ALL=1 turns such a skip, and that of a missing program, into a failure.
"""

import os
import shutil

import pytest

from adapters import load_spec
from experiments import certificate, certified, environment, places
from experiments.environment import Environment
from experiments.errors import EnvironmentFailed

SKIPPED: dict[str, str] = {}


def skip(what: str, remedy: str) -> None:
    """Skip with the remedy, or fail where everything is required."""
    SKIPPED[what] = remedy
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"{what} is required (REQUIRE_ALL=1): {remedy}")
    pytest.skip(f"{what}: {remedy}")


def need_program(name: str, package: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if not found:
        skip(name, f"install Debian's {package}")
    return str(found)


@pytest.fixture(scope="session")
def built():
    """built(adapter) -> its Environment, made on first use."""

    def build(name: str) -> Environment:
        spec = load_spec(name)
        try:
            environment.find_interpreter(spec)
        except EnvironmentFailed as error:
            skip(name, str(error))
        made = Environment(spec, "cpu", places.cache())
        made.create()
        return made

    return build


@pytest.fixture(scope="session")
def certify(built):
    """certify(adapter, ...): make its environment and its certificate for the CNN, as every sweep wants them."""

    def verify(*names: str) -> None:
        for name in ("reference", *names):
            built(name)
        missing = [name for name in names if certified.lacking(load_spec(name), "cnn", "cpu", places.cache())]
        results = certificate.verify(missing, "cnn", "cpu", places.cache())
        assert all(result.passed for result in results)

    return verify


def pytest_terminal_summary(terminalreporter):
    for what, remedy in sorted(SKIPPED.items()):
        terminalreporter.write_line(f"not tested here: {what}: {remedy}")
    if SKIPPED:
        terminalreporter.write_line(f"{len(SKIPPED)} framework(s) or program(s) were not tested on this machine")
