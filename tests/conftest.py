"""Fixtures shared by all tests: real environments and certificates, and skips with a remedy.

A test is skipped if its adapter's interpreter or a program is missing. The final summary lists the skips and their
remedies. REQUIRE_ALL=1 turns such skips into failures.
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
    """Skip the test with a remedy; with REQUIRE_ALL=1, fail it."""
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"{what} is required (REQUIRE_ALL=1): {remedy}")
    pytest.skip(f"{MISSING}: {what}: {remedy}")


# Folders of Debian's programs that are not in a user's PATH.
MORE_FOLDERS = ["/usr/sbin", "/usr/local/sbin", *glob.glob("/usr/lib/postgresql/*/bin")]


def need_program(name: str, package: str) -> str:
    """The path of a program; skips the test if it is missing. package: the Debian package that has it."""
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(MORE_FOLDERS))
    if not found:
        skip(name, f"install Debian's {package}")
    return str(found)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def built():
    """built(adapter) -> its Environment, built on first use."""

    @cache
    def build(name: str) -> Environment:
        spec = load_spec(name)
        try:
            environments.find_interpreter(spec)
        except EnvironmentFailed as error:
            skip(name, str(error))
        environment = Environment(spec, "cpu", locations.cache())
        environment.create()
        return environment

    return build


@pytest.fixture(scope="session")
def certify(built):
    """certify(adapter, ...): build the environments and the CNN certificates that a sweep needs."""

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
