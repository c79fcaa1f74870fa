"""Environments: one isolated interpreter per framework, made once per node and addressed by its content."""

import functools
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import findpython
import uv

from adapters.contract.spec import AdapterSpec
from experiments import redaction
from experiments.errors import EnvironmentFailed
from experiments.locations import PROJECT, worker_path

# uv reads no pip configuration: hand it what the user set for pip.
PIP_SETTINGS = {
    "PIP_INDEX_URL": "UV_INDEX_URL",
    "PIP_EXTRA_INDEX_URL": "UV_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
}
OLDEST_DOWNLOAD = (3, 8)  # uv downloads interpreters from this version on
MANIFEST = "rosetta.json"  # written last: an environment without it is half-built

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Environment:
    """The interpreter and locked packages of one framework, for one kind of device ("cpu" or "cuda")."""

    spec: AdapterSpec
    device: str
    cache: Path

    @property
    def source(self) -> Path:
        """The folder that holds the framework's requirements files."""
        return PROJECT.joinpath(*self.spec.module.split("."))

    @property
    def requirements(self) -> Path:
        return self.source / f"requirements-{self.device}.txt"

    @property
    def build_constraints(self) -> Path:
        """Pins for building source distributions; most frameworks need none and have no such file."""
        return self.source / "constraints-build.txt"

    @property
    def digest(self) -> str:
        """Hash of all that decides what the environment contains."""
        parts = [self.spec.python, platform.system(), platform.machine(), self.spec.post_install]
        sources = [self.requirements, self.build_constraints, *self._post_install_sources()]
        parts += [path.read_text() for path in sources if path.is_file()]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    @property
    def folder(self) -> Path:
        return self.cache / "environments" / f"{self.source.name}-{self.device}-{self.digest[:12]}"

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def ready(self) -> bool:
        return (self.folder / MANIFEST).is_file()

    def manifest(self) -> dict[str, Any]:
        """What was installed: {"digest", "python", "packages"}."""
        manifest: dict[str, Any] = json.loads((self.folder / MANIFEST).read_text())
        return manifest

    def create(self, progress: Progress = lambda step: None) -> bool:
        """Build the environment unless it is there. Returns whether it was new.

        Raises EnvironmentFailed. Safe to call from several processes at once.
        """
        if self.ready:
            return False
        with locked(self.folder.with_suffix(".lock")):
            if self.ready:
                return False
            shutil.rmtree(self.folder, ignore_errors=True)
            for step in (self._make, self._install, self._complete, self._write_manifest):
                progress(step.__name__.strip("_").replace("_", " "))
                step()
        return True

    # Steps, in order

    def _make(self) -> None:
        self._uv("venv", "--quiet", "--no-project", "--python", find_interpreter(self.spec), str(self.folder))

    def _install(self) -> None:
        if not self.requirements.is_file():
            raise EnvironmentFailed(
                f"{self.spec.name} on {self.device}: there is no {self.requirements.name} beside its adapter; "
                f"choose another device or add the file"
            )
        options = ["--python", str(self.python), "--require-hashes", "-r", str(self.requirements)]
        if self.build_constraints.is_file():
            options += ["--build-constraints", str(self.build_constraints)]
        self._uv("pip", "install", "--quiet", *options)

    def _complete(self) -> None:
        if self.spec.post_install:
            self._run([str(self.python), "-m", self.spec.post_install], {"PYTHONPATH": str(worker_path())})

    def _write_manifest(self) -> None:
        frozen = self._uv("pip", "freeze", "--python", str(self.python)).splitlines()
        version = self._run([str(self.python), "-c", "import platform; print(platform.python_version())"], {})
        manifest = {"digest": self.digest, "python": version.strip(), "packages": frozen}
        partial = self.folder / (MANIFEST + ".partial")
        partial.write_text(json.dumps(manifest, indent=1))
        partial.rename(self.folder / MANIFEST)

    # Helpers

    def _post_install_sources(self) -> Iterator[Path]:
        """The module that completes the environment, and the framework's set-up module that it imports."""
        if self.spec.post_install:
            source = PROJECT.joinpath(*self.spec.post_install.split(".")).with_suffix(".py")
            yield source
            for name in re.findall(r"^from adapters\.(\w+) import setup\b", source.read_text(), re.MULTILINE):
                yield PROJECT / "adapters" / name / "setup.py"

    def _uv(self, *arguments: str) -> str:
        return self._run([uv.find_uv_bin(), *arguments], package_index_settings(self.device))

    def _run(self, command: list[str], variables: dict[str, str]) -> str:
        environment = {**redaction.for_builders(os.environ), **variables}
        environment.pop("VIRTUAL_ENV", None)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        log = self.folder.with_suffix(".log")
        with log.open("a") as file:
            file.write(redaction.without_passwords(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}\n"))
        if done.returncode:
            raise EnvironmentFailed(
                f"the environment of {self.spec.name} could not be built: '{Path(command[0]).name} {command[1]}' "
                f"failed: {self._reason(command, done.stderr or done.stdout)} (whole log: {log})"
            )
        return done.stdout

    def _reason(self, command: list[str], said: str) -> str:
        """Why a command failed, and the remedy. A traceback says it in its last line, uv from its first line on."""
        if command[0] != str(self.python):
            return f"{' '.join(said.split())[:400]}; check the network and the PIP_* settings, then try again"
        reason = (said.strip().splitlines() or ["no message"])[-1][:400]
        if " " in str(self.folder):
            reason += "; old build tools fail in a path with spaces: set ROSETTA_CACHE to one without"
        return reason


def package_index_settings(device: str) -> dict[str, str]:
    """Environment variables that make uv look where the user told pip to look.

    Where the user named no place, CPU builds of PyTorch come from uv's own knowledge of PyTorch's index; the registry's
    build for Linux is a CUDA build of several gigabytes.
    """
    given = {ours: os.environ[pips] for pips, ours in PIP_SETTINGS.items() if os.environ.get(pips)}
    if given or any(os.environ.get(name) for name in PIP_SETTINGS.values()):
        return given
    return {"UV_TORCH_BACKEND": "cpu"} if device == "cpu" else {}


def find_interpreter(spec: AdapterSpec) -> str:
    """A Python of the spec's minor version, as a path or as a version that uv can download.

    Raises EnvironmentFailed with the version and the remedies.
    """
    variable = "ROSETTA_PYTHON_" + spec.python.replace(".", "_")
    override = os.environ.get(variable)
    if override:
        if not (os.path.isfile(override) and os.access(override, os.X_OK)):  # a folder is executable too
            raise EnvironmentFailed(
                f"{variable} is '{override}', which is not a program; set it to a Python {spec.python}"
            )
        return override
    found = _installed(spec.python)
    if found:
        return found
    if tuple(int(part) for part in spec.python.split(".")) >= OLDEST_DOWNLOAD:
        return spec.python
    raise EnvironmentFailed(
        f"{spec.name} needs Python {spec.python}, which is not on this machine: install it with pyenv or conda, "
        f"or set {variable} to its path, or run in a container image that has it (python:{spec.python})"
    )


@functools.cache
def _installed(version: str) -> str | None:
    """Looking for a Python starts every one on the machine: seconds."""
    found = findpython.find(version)
    return str(found.interpreter) if found else None


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file lock; the lock's folder is made. Raises EnvironmentFailed where the place can't be written."""
    lock = filelock.FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise EnvironmentFailed(
            f"'{error.filename or path}' can't be written ({error.strerror}); set ROSETTA_CACHE to a folder that can"
        ) from error
    try:
        yield
    finally:
        lock.release()
