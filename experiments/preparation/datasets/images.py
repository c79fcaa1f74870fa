"""Image data sets: digits, Fashion-MNIST and CIFAR-10."""

import gzip
import hashlib
import os
import tarfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.errors import DatasetError
from experiments.preparation.datasets.files import check, download, obtain
from experiments.preparation.datasets.parts import Part

# digits


def load_digits(downloads: Path) -> tuple[Part, Part]:
    from sklearn.datasets import load_digits as sklearn_digits

    digits = sklearn_digits()
    order = np.random.RandomState(0).permutation(len(digits.target))
    images, labels = digits.images[order][:, None], digits.target[order]
    return Part(images[:1437], labels[:1437], 16.0), Part(images[1437:], labels[1437:], 16.0)


# Fashion-MNIST

DEBIAN_FASHION = Path("/usr/share/datasets/fashion-mnist")
FASHION_URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
FASHION_FILES = {  # sha256 of the decompressed files: mirrors compress them differently
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
LARGEST = 16 + 60_000 * 28 * 28  # bytes of the largest decompressed file; reading stops there


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
        with gzip.open(path) as file:
            content = file.read(LARGEST)
            file.read(1)  # read to the end, where gzip verifies its checksum
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"'{path}' is not a gzip file ({error}); delete it and retry") from error
    check(hashlib.sha256(content).hexdigest(), FASHION_FILES[name], path)
    return content


def _fashion_part(images: bytes, labels: bytes) -> Part:
    gray = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 1, 28, 28)
    padded = np.pad(gray, ((0, 0), (0, 0), (2, 2), (2, 2)))
    return Part(np.broadcast_to(padded, (len(padded), 3, 32, 32)), np.frombuffer(labels, np.uint8, offset=8), 255.0)


# CIFAR-10

CIFAR_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"  # the binary version needs no pickle
CIFAR_HASH = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"


def load_cifar10(downloads: Path) -> tuple[Part, Part]:
    path = obtain(CIFAR_URL, CIFAR_HASH, "ROSETTA_CIFAR10", downloads)
    with tarfile.open(path) as archive:
        members = {Path(member.name).name: member for member in archive.getmembers() if member.isfile()}
        read = [f"data_batch_{number}.bin" for number in range(1, 6)] + ["test_batch.bin"]
        batches = [_cifar_batch(archive.extractfile(members[name]).read()) for name in read]  # type: ignore[union-attr]
    images, labels = zip(*batches, strict=True)
    train = Part(np.concatenate(images[:-1]), np.concatenate(labels[:-1]), 255.0)
    return train, Part(images[-1], labels[-1], 255.0)


def _cifar_batch(content: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    rows = np.frombuffer(content, np.uint8).reshape(-1, 1 + 3 * 32 * 32)
    return rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0]
