"""Data sets: the real ones if this machine has them, and downloads from a local server that fails."""

import http.server
import io
import multiprocessing
import tarfile
import threading

import numpy as np
import pytest

from experiments.errors import DatasetError
from experiments.preparation import datasets
from experiments.preparation.datasets import images, texts
from tests.conftest import skip


def arrays(folder):
    return {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("x_train", "y_train", "x_test", "y_test")}


def test_digits(tmp_path):
    folder = datasets.prepare("digits", tmp_path)
    found = arrays(folder)
    assert found["x_train"].shape == (1437, 1, 8, 8) and found["x_test"].shape == (360, 1, 8, 8)
    assert found["x_train"].dtype == np.float32 and found["y_train"].dtype == np.int32
    assert (found["x_train"].min(), found["x_train"].max()) == (0.0, 1.0)
    assert set(found["y_test"]) == set(range(10))
    assert datasets.fingerprint(folder) == datasets.fingerprint(datasets.prepare("digits", tmp_path))


def test_fashion_mnist(tmp_path):
    if not images.DEBIAN_FASHION.is_dir():
        skip("Fashion-MNIST", "install Debian's dataset-fashion-mnist")
    found = arrays(datasets.prepare("fashion-mnist", tmp_path))
    assert found["x_train"].shape == (60000, 3, 32, 32) and found["x_test"].shape == (10000, 3, 32, 32)
    assert np.bincount(found["y_train"]).tolist() == [6000] * 10
    image = found["x_train"][0]
    assert not image[:, :2].any() and not image[:, :, -2:].any() and np.array_equal(image[0], image[2])
    assert image.max() == 1.0


def test_a_file_with_the_wrong_content_is_refused(tmp_path, monkeypatch):
    import gzip

    monkeypatch.setenv("ROSETTA_FASHION_MNIST", str(tmp_path))
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"other"))
    with pytest.raises(DatasetError, match="has unexpected content.*delete it"):
        datasets.prepare("fashion-mnist", tmp_path / "cache")
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"no gzip")
    with pytest.raises(DatasetError, match="not a gzip file"):
        datasets.prepare("fashion-mnist", tmp_path / "cache")


# CIFAR-10, from a local server with a small archive of the same form


def archive():
    random, buffer = np.random.RandomState(0), io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in [f"data_batch_{number}.bin" for number in range(1, 6)] + ["test_batch.bin"]:
            rows = random.randint(0, 256, (20, 3073)).astype(np.uint8)
            rows[:, 0] %= 10
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = rows.size
            tar.addfile(info, io.BytesIO(rows.tobytes()))
    return buffer.getvalue()


class Server(http.server.ThreadingHTTPServer):
    """Serves one file with ranges. The first `cuts` responses stop in the middle."""

    def __init__(self, content, cuts=0):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.cuts, self.ranges = content, cuts, []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/cifar-10-binary.tar.gz"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        requested = self.headers.get("Range")
        self.server.ranges.append(requested)
        start = int(requested.removeprefix("bytes=").rstrip("-")) if requested else 0
        content = self.server.content[start:]
        self.send_response(206 if requested else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.server.cuts > 0:
            self.server.cuts -= 1
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            self.connection.close()
        else:
            self.wfile.write(content)

    def log_message(self, *arguments): ...


@pytest.fixture
def serve(monkeypatch):
    import hashlib

    started = []

    def start(content, cuts=0, expected=None):
        started.append(Server(content, cuts))
        monkeypatch.setattr(images, "CIFAR_URL", started[-1].url)
        monkeypatch.setattr(images, "CIFAR_HASH", expected or hashlib.sha256(content).hexdigest())
        return started[-1]

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def test_an_interrupted_download_of_cifar10_is_resumed(tmp_path, serve):
    server = serve(archive(), cuts=2)
    found = arrays(datasets.prepare("cifar10", tmp_path))
    assert found["x_train"].shape == (100, 3, 32, 32) and found["x_test"].shape == (20, 3, 32, 32)
    assert server.ranges[0] is None and all(requested and requested != "bytes=0-" for requested in server.ranges[1:])
    assert not list((tmp_path / "downloads").glob("*.partial"))


def test_a_corrupt_download_is_refused(tmp_path, serve):
    serve(archive(), expected="0" * 64)
    with pytest.raises(DatasetError, match="cifar-10-binary.tar.gz' has unexpected content.*delete it"):
        datasets.prepare("cifar10", tmp_path)
    assert not (tmp_path / "data" / "cifar10-1").exists()


@pytest.mark.parametrize(
    ("name", "module", "url", "variable"),
    [
        ("cifar10", images, "CIFAR_URL", "ROSETTA_CIFAR10"),
        ("imdb", texts, "IMDB_URL", "ROSETTA_IMDB"),
    ],
)
def test_without_a_network_the_error_names_the_remedy(name, module, url, variable, tmp_path, monkeypatch):
    monkeypatch.setattr(module, url, "http://127.0.0.1:9/archive.tar.gz")
    with pytest.raises(
        DatasetError, match=f"can't be downloaded.*put the file at .*archive.tar.gz.*{variable}"
    ) as caught:
        datasets.prepare(name, tmp_path)
    assert "\n" not in str(caught.value)
    monkeypatch.setenv(variable, str(tmp_path / "none"))
    with pytest.raises(
        DatasetError, match=f"{variable} is '.*none', which is not a file; set it to the path of archive.tar.gz"
    ):
        datasets.prepare(name, tmp_path)


@pytest.mark.parametrize("variable", ["ROSETTA_CIFAR10", "ROSETTA_IMDB", "ROSETTA_MOVIE_REVIEWS"])
def test_a_given_file_that_is_wrong_or_unreadable_is_refused(variable, tmp_path, monkeypatch):
    name = {"ROSETTA_CIFAR10": "cifar10", "ROSETTA_IMDB": "imdb", "ROSETTA_MOVIE_REVIEWS": "imdb-train"}[variable]
    (tmp_path / "other").write_text("other")
    monkeypatch.setenv(variable, str(tmp_path / "other"))
    with pytest.raises(DatasetError, match="other' has unexpected content.*delete it"):
        datasets.prepare(name, tmp_path / "cache")
    monkeypatch.setenv(variable, "/proc/self/mem")  # not readable from its start, even by root
    with pytest.raises(DatasetError, match="'/proc/self/mem' can't be read"):
        datasets.prepare(name, tmp_path / "cache")


# Preparation


@pytest.mark.parametrize("damage", ["manifest", "array", "truncated"])
def test_an_incomplete_data_set_is_rebuilt(tmp_path, damage):
    folder = datasets.prepare("digits", tmp_path)
    if damage == "manifest":
        (folder / "dataset.json").unlink()
    elif damage == "array":
        (folder / "y_test.npy").unlink()
    else:
        with (folder / "x_train.npy").open("r+b") as file:
            file.truncate(1000)
    assert arrays(datasets.prepare("digits", tmp_path))["x_train"].shape == (1437, 1, 8, 8)


def _prepare(cache):
    return datasets.prepare("digits", cache)


def test_concurrent_processes_prepare_a_data_set_once(tmp_path):
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert len(set(pool.map(_prepare, [tmp_path] * 3))) == 1
    assert [path.name for path in (tmp_path / "data").iterdir() if path.is_dir()] == ["digits-1"]


def test_an_unknown_name_and_an_unwritable_cache_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="unknown data set 'digit'. Did you mean 'digits'"):
        datasets.prepare("digit", tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="ROSETTA_CACHE"):
        datasets.prepare("digits", tmp_path / "file")
