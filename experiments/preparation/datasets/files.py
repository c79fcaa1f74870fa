"""The source files of data sets: provided by the user or downloaded once, and always verified against a hash."""

import hashlib
import os
from pathlib import Path

import httpx
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_exponential

from experiments.errors import DatasetError


def obtain(url: str, sha256: str, variable: str, downloads: Path) -> Path:
    """The verified file from the environment variable, or else from the URL. Raises DatasetError."""
    name = Path(url).name
    path = given(variable, name) or downloads / name
    if not path.is_file():
        download(url, path, f"or set {variable} to a copy of it")
    return checked(path, sha256)


def given(variable: str, name: str) -> Path | None:
    """The file that the environment variable names; None if it is not set. Raises DatasetError if it is not a file."""
    path = os.environ.get(variable)
    if path and not Path(path).is_file():
        raise DatasetError(f"{variable} is '{path}', which is not a file; set it to the path of {name}")
    return Path(path) if path else None


def checked(path: Path, sha256: str) -> Path:
    """The same path. Raises DatasetError if the file cannot be read or its hash differs."""
    try:
        check(file_hash(path), sha256, path)
    except OSError as error:
        raise DatasetError(f"'{path}' can't be read ({error.strerror})") from error
    return path


def check(found: str, expected: str, path: Path) -> None:
    if found != expected:
        raise DatasetError(
            f"'{path}' has unexpected content (sha256 {found[:12]}..., expected {expected[:12]}...); "
            "delete it and retry"
        )


def file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(url: str, path: Path, remedy: str) -> Path:
    """Download a file, resuming a partial download. Raises DatasetError with the URL and the remedy."""
    partial = path.with_name(path.name + ".partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _fetch(url, partial)
    except httpx.HTTPError as error:
        cause = str(error) or type(error).__name__
        raise DatasetError(f"{url} can't be downloaded ({cause}); put the file at '{path}', {remedy}") from error
    partial.rename(path)
    return path


@retry(
    stop=stop_after_attempt(4),
    wait=wait_exponential(multiplier=0.5, max=8),
    retry=retry_if_exception_type(httpx.TransportError),
    reraise=True,
)
def _fetch(url: str, partial: Path) -> None:
    start = partial.stat().st_size if partial.is_file() else 0
    headers = {"Range": f"bytes={start}-"} if start else {}
    with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=30) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # the partial file is already complete
        response.raise_for_status()
        resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        with partial.open("ab" if resumed else "wb") as file:
            for chunk in response.iter_bytes():
                file.write(chunk)
