"""Data sets: fetched once, checked against a hash, prepared once per node as .npy arrays that workers map into memory."""

import gzip
import hashlib
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import filelock
import httpx
import numpy as np
from numpy.typing import NDArray
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_exponential

from adapters import unknown
from experiments.errors import DatasetError

PREPARATION = 1  # raise it when the prepared arrays change: it is part of every trial's identity
RECORD = "dataset.json"  # written last: a folder without it is half-built
CHUNK = 5000  # examples converted at a time

Pictures = NDArray[np.uint8]  # (N, C, H, W)
Labels = NDArray[np.integer[Any]]  # (N,)


class Part(NamedTuple):
    """One split: pictures of any number type, the value that becomes 1.0, and labels."""

    pictures: NDArray[Any]
    white: float
    labels: Labels


class Dataset(NamedTuple):
    """A data set and how to get it. `load` returns the training and the test part, pictures in the prepared shape."""

    name: str
    description: str
    input_shape: tuple[int, int, int]
    classes: int
    load: Callable[[Path], tuple[Part, Part]]


# digits


def load_digits(downloads: Path) -> tuple[Part, Part]:
    from sklearn.datasets import load_digits as sklearn_digits

    digits = sklearn_digits()
    order = np.random.RandomState(0).permutation(len(digits.target))
    pictures, labels = digits.images[order][:, None], digits.target[order]
    return Part(pictures[:1437], 16.0, labels[:1437]), Part(pictures[1437:], 16.0, labels[1437:])


# Fashion-MNIST

DEBIAN_FASHION = Path("/usr/share/datasets/fashion-mnist")
FASHION_URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
FASHION_FILES = {  # sha256 of the decompressed files: mirrors compress them anew
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


def load_fashion(downloads: Path) -> tuple[Part, Part]:
    files = [_fashion_file(name, downloads) for name in FASHION_FILES]
    return _fashion_part(*files[:2]), _fashion_part(*files[2:])


def _fashion_file(name: str, downloads: Path) -> bytes:
    given = os.environ.get("ROSETTA_FASHION_MNIST")
    folders = [Path(given)] if given else [DEBIAN_FASHION, downloads]
    path = next((folder / f"{name}.gz" for folder in folders if (folder / f"{name}.gz").is_file()), None)
    if path is None:
        remedy = "install Debian's dataset-fashion-mnist, or set ROSETTA_FASHION_MNIST to a folder that has it"
        path = download(FASHION_URL + name + ".gz", downloads / f"{name}.gz", remedy)
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError) as error:
        raise DatasetError(f"'{path}' is not a gzip file ({error}); delete it and try again") from error
    _check(hashlib.sha256(content).hexdigest(), FASHION_FILES[name], path)
    return content


def _fashion_part(images: bytes, labels: bytes) -> Part:
    grey = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 1, 28, 28)
    padded = np.pad(grey, ((0, 0), (0, 0), (2, 2), (2, 2)))
    return Part(np.broadcast_to(padded, (len(padded), 3, 32, 32)), 255.0, np.frombuffer(labels, np.uint8, offset=8))


# CIFAR-10

CIFAR_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"  # the binary version needs no pickle
CIFAR_HASH = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"


def load_cifar10(downloads: Path) -> tuple[Part, Part]:
    given = os.environ.get("ROSETTA_CIFAR10")
    path = Path(given) if given else downloads / Path(CIFAR_URL).name
    if not path.is_file():
        if given:
            raise DatasetError(f"ROSETTA_CIFAR10 is '{path}', which is not a file; set it to cifar-10-binary.tar.gz")
        download(CIFAR_URL, path, "or set ROSETTA_CIFAR10 to a copy of it")
    _check(_file_hash(path), CIFAR_HASH, path)
    with tarfile.open(path) as archive:
        members = {Path(member.name).name: member for member in archive.getmembers() if member.isfile()}
        read = [f"data_batch_{number}.bin" for number in range(1, 6)] + ["test_batch.bin"]
        batches = [_cifar_batch(archive.extractfile(members[name]).read()) for name in read]  # type: ignore[union-attr]
    pictures, labels = zip(*batches, strict=True)
    train = Part(np.concatenate(pictures[:-1]), 255.0, np.concatenate(labels[:-1]))
    return train, Part(pictures[-1], 255.0, labels[-1])


def _cifar_batch(content: bytes) -> tuple[Pictures, Labels]:
    rows = np.frombuffer(content, np.uint8).reshape(-1, 1 + 3 * 32 * 32)
    return rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0]


DATASETS = {
    dataset.name: dataset
    for dataset in (
        Dataset("digits", "scikit-learn's 1,797 real 8x8 digits (UCI, CC BY 4.0)", (1, 8, 8), 10, load_digits),
        Dataset(
            "fashion-mnist",
            "Fashion-MNIST (Zalando, MIT), padded from 28x28 to 32x32, grey repeated three times: not CIFAR-10",
            (3, 32, 32), 10, load_fashion,
        ),
        Dataset("cifar10", "CIFAR-10 (Krizhevsky 2009)", (3, 32, 32), 10, load_cifar10),
    )
}  # fmt: skip


# Preparing


def prepare(name: str, cache: Path) -> Path:
    """The folder of a data set's arrays (see adapters.batches.Batches), made if it is not there or not whole.

    x_*.npy: float32 (N, C, H, W) in [0, 1]; y_*.npy: int32 (N,). Safe to call from several processes at once.
    Raises DatasetError.
    """
    if name not in DATASETS:
        raise DatasetError(unknown("data set", name, list(DATASETS)))
    folder = cache / "data" / f"{name}-{PREPARATION}"
    if _whole(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder.with_suffix(".lock")):
            if not _whole(folder):
                _build(DATASETS[name], folder, cache / "downloads")
    except OSError as error:
        raise DatasetError(
            f"data set {name} can't be written to '{folder.parent}' ({error.strerror}); set ROSETTA_CACHE to another folder"
        ) from error
    return folder


def fingerprint(folder: Path) -> str:
    """A digest of the prepared arrays' contents."""
    return hashlib.sha256((folder / RECORD).read_bytes()).hexdigest()[:12]


def _whole(folder: Path) -> bool:
    try:
        record = json.loads((folder / RECORD).read_text())
        return all((folder / name).stat().st_size == facts["bytes"] for name, facts in record["files"].items())
    except (OSError, ValueError, KeyError):
        return False


def _build(dataset: Dataset, folder: Path, downloads: Path) -> None:
    train, test = dataset.load(downloads)
    partial = Path(tempfile.mkdtemp(prefix=f".{dataset.name}-", dir=folder.parent))
    try:
        for part, content in (("train", train), ("test", test)):
            _write_pictures(partial / f"x_{part}.npy", content, dataset.input_shape)
            np.save(partial / f"y_{part}.npy", content.labels.astype(np.int32))
        files = {
            path.name: {"bytes": path.stat().st_size, "sha256": _file_hash(path)} for path in sorted(partial.iterdir())
        }
        record = {"name": dataset.name, "description": dataset.description, "preparation": PREPARATION, "files": files}
        (partial / RECORD).write_text(json.dumps(record, indent=1))
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_pictures(path: Path, part: Part, shape: tuple[int, int, int]) -> None:
    """Convert a chunk at a time: the training pictures of Fashion-MNIST alone are 0.7 GB as float32."""
    array = np.lib.format.open_memmap(path, "w+", np.float32, (len(part.labels), *shape))
    for start in range(0, len(array), CHUNK):
        array[start : start + CHUNK] = part.pictures[start : start + CHUNK] / np.float32(part.white)
    array.flush()


# Fetching


def download(url: str, path: Path, remedy: str) -> Path:
    """Fetch a file, taking up a partial one where it stopped. Raises DatasetError that names the URL and the remedy."""
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
            return  # nothing is missing
        response.raise_for_status()
        resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        with partial.open("ab" if resumed else "wb") as file:
            for chunk in response.iter_bytes():
                file.write(chunk)


def _check(found: str, expected: str, path: Path) -> None:
    if found != expected:
        raise DatasetError(f"'{path}' is not the file it should be (sha256 {found[:12]}..., not {expected[:12]}...); delete it and try again")


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

