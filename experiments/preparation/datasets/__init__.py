"""Data sets: downloaded, verified against a hash and prepared once per node, as .npy arrays that workers memory-map."""

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

PREPARATION = 1  # increase it when the prepared arrays change: it is part of every trial's identity
MANIFEST = "dataset.json"  # written last: a folder without it is incomplete


class Dataset(NamedTuple):
    """A data set and how to get it.

    load: "module.function" in this package: takes the folder for downloads, returns the training and the test part.
    A name, because a Ray worker whose data is prepared starts twice as fast without NumPy and httpx.
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
            "Fashion-MNIST (Zalando, MIT), padded from 28x28 to 32x32, gray repeated three times: not CIFAR-10",
            "images.load_fashion",
        ),
        Dataset("cifar10", "CIFAR-10 (Krizhevsky 2009)", "images.load_cifar10"),
        Dataset(
            "imdb",
            "IMDb reviews (Maas et al. 2011): the last 150 words of each, the 30,000 most frequent words numbered; "
            "other numbers than imdb.npz",
            "texts.load_imdb",
        ),
        Dataset(
            "imdb-train",
            "IMDb reviews (Maas et al. 2011), only the training part, its last 2,500 of each class as the test part: "
            "the last 150 words of each, the 30,000 most frequent words numbered; other numbers than imdb.npz",
            "texts.load_imdb_train",
        ),
    )
}


# Preparing


def prepare(name: str, cache: Path) -> Path:
    """The folder of a data set's arrays (see adapters.common.batches.Batches), built if it is missing or incomplete.

    Safe to call from several processes at once. Raises DatasetError.
    """
    if name not in DATASETS:
        raise DatasetError(unknown("data set", name, list(DATASETS)))
    folder = cache / "data" / f"{name}-{PREPARATION}"
    if _complete(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder.with_suffix(".lock")):
            if not _complete(folder):
                _build(DATASETS[name], folder, cache / "downloads")
    except OSError as error:
        raise DatasetError(
            f"data set {name} can't be written to '{folder.parent}' ({error.strerror}); "
            "set ROSETTA_CACHE to another folder"
        ) from error
    return folder


def fingerprint(folder: Path) -> str:
    """A digest of the contents of the prepared arrays."""
    return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()[:12]


def _complete(folder: Path) -> bool:
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        return all((folder / name).stat().st_size == facts["bytes"] for name, facts in manifest["files"].items())
    except Exception:  # an invalid manifest can raise any error; the data set is then rebuilt
        return False


def _build(dataset: Dataset, folder: Path, downloads: Path) -> None:
    from experiments.preparation.datasets.files import file_hash  # imported here for the same reason as `load`

    train, test = pkgutil.resolve_name(f"{__name__}.{dataset.load}")(downloads)
    partial = Path(tempfile.mkdtemp(prefix=f".{dataset.name}-", dir=folder.parent))
    try:
        train.save(partial, "train")
        test.save(partial, "test")
        files = {
            path.name: {"bytes": path.stat().st_size, "sha256": file_hash(path)} for path in sorted(partial.iterdir())
        }
        manifest = {
            "name": dataset.name,
            "description": dataset.description,
            "preparation": PREPARATION,
            "files": files,
        }
        (partial / MANIFEST).write_text(json.dumps(manifest, indent=1))
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
