"""Data sets: fetched once, checked against a hash, prepared once per node as .npy arrays that workers map into memory."""

import hashlib
import json
import pkgutil
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

import filelock

from adapters import unknown
from experiments.errors import DatasetError

PREPARATION = 1  # raise it when the prepared arrays change: it is part of every trial's identity
RECORD = "dataset.json"  # written last: a folder without it is half-built


class Dataset(NamedTuple):
    """A data set and how to get it.

    load: the function of this package, by name, that returns the training and the test part from a folder for downloads. By
    name because a Ray worker whose data is prepared starts in half the time without NumPy and an HTTP library.
    """

    name: str
    description: str
    load: str


DATASETS = {
    dataset.name: dataset
    for dataset in (
        Dataset("digits", "scikit-learn's 1,797 real 8x8 digits (UCI, CC BY 4.0)", "images.load_digits"),
        Dataset(
            "fashion-mnist",
            "Fashion-MNIST (Zalando, MIT), padded from 28x28 to 32x32, grey repeated three times: not CIFAR-10",
            "images.load_fashion",
        ),
        Dataset("cifar10", "CIFAR-10 (Krizhevsky 2009)", "images.load_cifar10"),
        Dataset(
            "imdb",
            "IMDb reviews (Maas et al. 2011): the last 150 words, the 30,000 most frequent numbered; not imdb.npz's numbers",
            "texts.load_imdb",
        ),
        Dataset(
            "imdb-train",
            "IMDb reviews (Maas et al. 2011), their training part alone, the last 2,500 of each class held out as the test part: "
            "the last 150 words, the 30,000 most frequent numbered; not imdb.npz's numbers",
            "texts.load_imdb_train",
        ),
    )
}


# Preparing


def prepare(name: str, cache: Path) -> Path:
    """The folder of a data set's arrays (see adapters.common.batches.Batches), made if it is not there or not whole.

    Safe to call from several processes at once. Raises DatasetError.
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
    except Exception:  # whatever a record raises that says something else: its data set is made again
        return False


def _build(dataset: Dataset, folder: Path, downloads: Path) -> None:
    from experiments.preparation.datasets.files import file_hash  # here for the same reason

    train, test = pkgutil.resolve_name(f"{__name__}.{dataset.load}")(downloads)
    partial = Path(tempfile.mkdtemp(prefix=f".{dataset.name}-", dir=folder.parent))
    try:
        train.save(partial, "train")
        test.save(partial, "test")
        files = {
            path.name: {"bytes": path.stat().st_size, "sha256": file_hash(path)} for path in sorted(partial.iterdir())
        }
        record = {"name": dataset.name, "description": dataset.description, "preparation": PREPARATION, "files": files}
        (partial / RECORD).write_text(json.dumps(record, indent=1))
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
