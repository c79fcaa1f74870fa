"""`transfer` as a person runs it: a real sweep keeps its weights, and another framework predicts with them."""

import json
import sqlite3

import numpy as np
import pytest

from tests.sweeps.test_end_to_end import TINY, refusal, run, write

pytestmark = pytest.mark.xdist_group("ray")

WIDE = {**TINY, "filters": [16, 32], "batch_size": 16}


@pytest.fixture(scope="module")
def home(tmp_path_factory, certify):
    certify("reference", "pytorch")
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def ids(home):
    """{"sweep" or adapter: run id} of a sweep that keeps its weights, and of one that does not ("forgetful")."""
    common = {"settings": {}, "seeds": 1, "workload": WIDE, "fixed": {"precision": "float32"}}
    both = write(home, name="kept", adapters=["reference", "pytorch"], keep_weights=True, **common)
    done = run(home, "run", both, "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["outcomes"]["completed"] == 2, done.stderr
    found = names(home)
    run(home, "run", write(home, name="lost", **common))
    (forgetful,) = (
        run_id for run_id, name in names(home).items() if run_id not in found and not name.startswith("sweep")
    )
    return {name.split()[0]: run_id for run_id, name in found.items()} | {"forgetful": forgetful}


def names(home):
    return dict(sqlite3.connect(home / "mlflow.db").execute("select run_uuid, name from runs").fetchall())


def test_there_and_back_again(home, ids):
    for source, target in (("pytorch", "reference"), ("reference", "pytorch")):
        done = run(home, "transfer", "--from", source, "--to", target, "--run", ids[source], "--json")
        assert done.returncode == 0, done.stderr
        moved = json.loads(done.stdout)
        assert (moved["from"], moved["to"], moved["run"], moved["examples"]) == (source, target, ids[source], 360)
        assert moved["passed"] and moved["same_classes"] == (moved["differing"] == 0)
        assert 0 < moved["max_difference"] <= moved["tolerance"] < 1e-3
        assert moved["accuracy_from"] == pytest.approx(accuracy(home, ids[source]))
        assert f"the same predictions on 360 test examples, on the CPU in {moved['precision']}" in done.stderr


def accuracy(home, run_id):
    database = sqlite3.connect(home / "mlflow.db")
    query = "select value from latest_metrics where run_uuid = ? and key = 'accuracy'"
    return database.execute(query, (run_id,)).fetchone()[0]


def test_the_weights_are_canonical_and_where_they_were_asked_for(home, ids):
    output = home / "deep" / "weights.npz"
    done = run(
        home, "transfer", "--from", "pytorch", "--to", "reference", "--run", ids["pytorch"], "--output", str(output)
    )
    assert done.returncode == 0 and str(output) in done.stdout
    weights = np.load(output, allow_pickle=False)
    assert weights["conv1.weight"].shape == (16, 1, 3, 3) and weights["dense2.weight"].shape == (16, 10)
    assert {array.dtype for array in map(weights.get, weights.files)} == {np.dtype("float32")}


def test_weights_travel_as_a_file_and_only_where_they_are_asked_for(home, ids):
    kept = list((home / "kept").glob("*/trials/*/weights.npz"))
    assert len(kept) == 2 and not list((home / "lost").glob("*/trials/*/weights.npz"))
    assert all((path.parent / "events.jsonl").stat().st_size < 10_000 for path in kept)


@pytest.mark.parametrize(
    ("what", "change", "said"),
    [
        ("pytroch cntk pytorch", {}, "unknown adapter 'pytroch'. Did you mean 'pytorch'?"),
        ("pytorch cntkk pytorch", {}, "unknown adapter 'cntkk'. Did you mean 'cntk'?"),
        ("pytorch reference none", {}, "has no run 'none'"),
        ("pytorch reference sweep", {}, "is no finished trial"),
        ("reference pytorch pytorch", {}, "was trained by pytorch, not by reference"),
        ("reference pytorch forgetful", {}, "set keep_weights: true in the sweep file"),
        ("pytorch reference pytorch", {"ROSETTA_PYTHON_3_11": "/none", "ROSETTA_CACHE": "empty"}, "not a program"),
        ("pytorch reference pytorch", {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}, "can't be reached"),
    ],
)
def test_bad_input_is_one_clear_line(home, ids, monkeypatch, capfd, what, change, said):
    source, target, run_of = what.split()
    arguments = "--from", source, "--to", target, "--run", ids.get(run_of, run_of)
    assert said in refusal(home, monkeypatch, capfd, "transfer", *arguments, **change)


def test_a_place_that_cannot_be_written(home, ids):
    (home / "file").write_text("")
    output = str(home / "file" / "weights.npz")
    done = run(home, "transfer", "--from", "pytorch", "--to", "reference", "--run", ids["pytorch"], "--output", output)
    assert done.returncode == 2 and "can't be written" in done.stderr and "Traceback" not in done.stderr
