"""Where files live: a sweep's state, what a node prepares once and keeps, and the packages themselves."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import platformdirs

from experiments.errors import EnvironmentFailed, SweepError

# The folder that holds the packages: a checkout, or the site-packages of an installed copy. Nothing writes there.
PROJECT = Path(__file__).resolve().parent.parent


def home() -> Path:
    """Ledger, mlflow.db, trial folders and reports: ROSETTA_HOME, or ./runs."""
    return Path(os.environ.get("ROSETTA_HOME") or "runs").expanduser().absolute()


def cache() -> Path:
    """Environments and prepared data of this node: ROSETTA_CACHE, or the user's cache directory."""
    folder = os.environ.get("ROSETTA_CACHE") or platformdirs.user_cache_path("rosetta-sweep")
    return Path(folder).expanduser().absolute()


def worker_path() -> Path:
    """The folder on a worker's PYTHONPATH: a copy of the adapters' modules, addressed by their content.

    Not PROJECT itself: in an installed copy it also holds packages of this Python, and other Pythons would import them.
    Raises EnvironmentFailed where the cache can't be written.
    """
    modules = {path.relative_to(PROJECT): path.read_bytes() for path in sorted((PROJECT / "adapters").rglob("*.py"))}
    digest = hashlib.sha256()
    for name, content in modules.items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    folder = cache() / "adapters" / digest.hexdigest()[:12]
    if not folder.is_dir():
        _copy(modules, folder)
    return folder


def _copy(modules: dict[Path, bytes], folder: Path) -> None:
    """Write the modules below a folder, which appears whole or not at all."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
        partial.chmod(0o755)  # as the environments beside it: a cache may be shared
        for name, content in modules.items():
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            (partial / name).write_bytes(content)
        try:
            partial.rename(folder)
        except OSError:  # another process was faster
            shutil.rmtree(partial)
            if not folder.is_dir():
                raise
    except OSError as error:
        raise EnvironmentFailed(
            f"'{error.filename or folder}' can't be written ({error.strerror}); set ROSETTA_CACHE to a writable folder"
        ) from error


def write(path: Path, text: str, remedy: str = "choose another place with --output") -> None:
    """Write a file where the user wants it. Raises SweepError, with the remedy, if that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    except OSError as error:
        raise SweepError(f"'{path}' can't be written: {error.strerror}; {remedy}") from error
