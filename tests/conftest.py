"""Shared by all tests: environments that are really built, homes that are thrown away, and honest skips.

An adapter whose interpreter this machine can't have is skipped by name with the remedy, and counted in the closing summary.
REQUIRE_ALL=1 turns such a skip, and that of a missing program, into a failure.
"""

import glob
import os
import shutil
import socket
from functools import cache

import pytest

from adapters import load_spec
from experiments import locations
from experiments.errors import EnvironmentFailed
from experiments.preparation import certificates, environments
from experiments.preparation.environments import Environment
from experiments.verification import equivalence

MISSING = "not on this machine"


def skip(what: str, remedy: str) -> None:
    """Skip with the remedy, or fail where everything is required."""
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"{what} is required (REQUIRE_ALL=1): {remedy}")
    pytest.skip(f"{MISSING}: {what}: {remedy}")


# Where Debian puts programs that are on nobody's PATH but root's, or on nobody's at all.
ELSEWHERE = ["/usr/sbin", "/usr/local/sbin", *glob.glob("/usr/lib/postgresql/*/bin")]


def need_program(name: str, package: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(ELSEWHERE))
    if not found:
        skip(name, f"install Debian's {package}")
    return str(found)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def built():
    """built(adapter) -> its Environment, made on first use."""

    @cache
    def build(name: str) -> Environment:
        spec = load_spec(name)
        try:
            environments.find_interpreter(spec)
        except EnvironmentFailed as error:
            skip(name, str(error))
        made = Environment(spec, "cpu", locations.cache())
        made.create()
        return made

    return build


@pytest.fixture(scope="session")
def certify(built):
    """certify(adapter, ...): make its environment and its certificate for the CNN, as every sweep wants them."""

    def verify(*names: str) -> None:
        for name in ("reference", *names):
            built(name)
        missing = [name for name in names if certificates.lacking(load_spec(name), "cnn", "cpu", locations.cache())]
        results = equivalence.verify(missing, "cnn", "cpu", locations.cache())
        assert all(result.passed for result in results)

    return verify


def pytest_terminal_summary(terminalreporter):
    skipped = [report.longrepr[2] for report in terminalreporter.stats.get("skipped", [])]  # (file, line, reason)
    missing = sorted({reason for reason in skipped if MISSING in reason})
    for reason in missing:
        terminalreporter.write_line(reason.removeprefix("Skipped: "))
    if missing:
        terminalreporter.write_line(f"{len(missing)} framework(s) or program(s) were not tested on this machine")
