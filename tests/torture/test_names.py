"""No name leads out of its folder, whether it comes from a user or from a server."""

import http.server
import json
import threading
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner

from experiments.errors import SweepError, TrackingError
from experiments.preparation.datasets import files, images
from experiments.recording import reader
from experiments.recording.store import SweepRun
from experiments.verification import transfer
from sweeps.cli import main
from tests.torture.targets import tar

NAMES = ["../../etc", "/etc", "..", "a/b", "A", "", "a\nb", "x" * 65]


@pytest.mark.parametrize("name", NAMES[:5])
@pytest.mark.parametrize(
    "verb",
    [["report"], ["watch"], ["transfer", "--from", "reference", "--to", "reference", "--run"]],
    ids=lambda verb: verb[0],
)
def test_a_name_that_is_a_path_is_refused(verb, name, tmp_path):
    if verb[0] == "transfer" and name.isalnum():
        name += "/x"
    done = CliRunner().invoke(main, [*verb, name, "--home", str(tmp_path / "home")])
    assert done.exit_code == 2 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1, done.stderr
    assert f"'{name}'" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [name for name in NAMES if not name.isalnum()])
def test_a_run_that_is_a_path_is_refused(name, tmp_path):
    with pytest.raises(SweepError, match="is no run's id"):
        transfer.find(tmp_path, name, "reference", tmp_path)


class Handler(http.server.BaseHTTPRequestHandler):
    """A tracking server that lists any given paths as files or folders of the run. No real server does."""

    def answer(self):
        address = urlsplit(self.path)
        info = {
            "run_id": "r",
            "run_uuid": "r",
            "experiment_id": "0",
            "status": "FINISHED",
            "artifact_uri": "mlflow-artifacts:/0/r",
            "lifecycle_stage": "active",
        }
        answers = {
            "/api/2.0/mlflow/experiments/search": {"experiments": []},
            "/api/2.0/mlflow/runs/get": {
                "run": {"info": info, "data": {"tags": [{"key": "outcome", "value": "completed"}]}}
            },
            "/api/2.0/mlflow-artifacts/artifacts": {
                "files": self.server.listed.get(
                    parse_qs(address.query).get("path", [""])[0].removeprefix("0/r").strip("/"), []
                )
            },
        }
        found = answers.get(address.path, {"event": "x"} if "/artifacts/" in address.path else None)
        content = json.dumps(found).encode()
        self.send_response(404 if found is None else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = answer

    def log_message(self, *arguments): ...


@pytest.fixture
def malicious(monkeypatch):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.listed = {}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_port}")
    yield server
    server.shutdown()
    server.server_close()


def entry(path, is_dir=False):
    return {"path": path, "is_dir": is_dir, "file_size": 3}


@pytest.mark.parametrize(
    "listed",
    [
        {"": [entry("../../certificate-x.json")]},
        {"": [entry("certificate-/../../../x.json")]},
        {"": [entry("/tmp/certificate-x.json")]},
        {"": [entry("certificate-%2e%2e%2f%2e%2e%2fx.json")]},
        {"": [entry("plan.json", True)], "plan.json": [entry("../../../x")]},
        {"": [entry("events.jsonl", True)], "events.jsonl": [entry("/../../x"), entry("y")]},
        {"": [entry("plan.json"), entry("events.jsonl")]},
    ],
    ids=lambda listed: " ".join(one["path"] for files in listed.values() for one in files),
)
def test_a_malicious_server_writes_nothing_outside_the_folder(listed, malicious, tmp_path):
    malicious.listed = listed
    folder = tmp_path / "a" / "b" / "c"
    folder.mkdir(parents=True)
    uri = f"http://127.0.0.1:{malicious.server_port}"
    outcomes = []
    for read in (
        lambda: reader.read_files(SweepRun(uri, "demo", "0", "r"), ("plan.json", "certificate-*.json"), folder),
        lambda: reader.read_trial(tmp_path, "r", folder),
    ):
        try:
            outcomes.append(read())
        except TrackingError as error:
            outcomes.append(error)
            assert str(error).isprintable()
    assert isinstance(outcomes[1], TrackingError)
    assert {path for path in tmp_path.rglob("*") if folder not in [path, *path.parents]} == {
        tmp_path / "a",
        tmp_path / "a" / "b",
    }


def test_an_archive_with_paths_and_links_is_read_but_never_unpacked(tmp_path, monkeypatch):
    """Even if its hash is correct: members are looked up by name, and links are ignored."""
    batches = [
        (f"../../{name}", bytes(3073) * 2)
        for name in [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
    ]
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (folder / "x.tar.gz").write_bytes(tar(("link", "/etc"), ("link/passwd", b"x"), ("/etc/out", b"x"), *batches))
    monkeypatch.setenv("ROSETTA_CIFAR10", str(folder / "x.tar.gz"))
    monkeypatch.setattr(images, "CIFAR_HASH", files.file_hash(folder / "x.tar.gz"))
    train, test = images.load_cifar10(folder)
    assert train.examples.shape == (10, 3, 32, 32) and test.labels.tolist() == [0, 0]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "b", "x.tar.gz"]
