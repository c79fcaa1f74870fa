"""Transfers: the comparison of scores, and the transfers that are refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from adapters import load_spec
from adapters.contract.spec import Conflict
from experiments.errors import SweepError
from experiments.trials.records import TrialRecord
from experiments.trials.trial import COMPLETED, DIVERGED, Trial, check_network
from experiments.trials.workload import workload_named
from experiments.verification import transfer

SCORES = np.array([[1.0, 2.0, 0.0], [3.0, -1.0, 2.0], [0.0, 5.0, 4.99999]], np.float32)


def test_equal_scores_pass_and_a_near_tie_is_counted():
    found = SCORES + np.array([0, 0, 2e-5], np.float32)
    comparison = transfer.compare(SCORES, found, "float32")
    assert comparison.passed and (comparison.examples, comparison.differing) == (3, 1)
    assert 0 < comparison.margin < 2 * comparison.max_difference <= 2 * comparison.tolerance


def test_a_different_class_without_a_near_tie_fails():
    comparison = transfer.compare(SCORES, SCORES[:, [1, 0, 2]], "float32")
    assert not comparison.passed and comparison.differing == 3 and comparison.margin == pytest.approx(1.0)


def test_the_same_classes_with_different_scores_fail():
    assert not transfer.compare(SCORES, SCORES * 1.001, "float32").passed
    assert transfer.compare(SCORES, SCORES * (1 + 1e-7), "float32").passed
    assert not transfer.compare(SCORES.astype(float), SCORES * (1 + 1e-7), "float64").passed


@pytest.mark.parametrize("found", [SCORES[:2], SCORES + np.nan, SCORES + np.inf], ids=["shape", "nan", "inf"])
def test_scores_that_cannot_be_compared_are_refused(found):
    with pytest.raises(SweepError, match="can't be compared"):
        transfer.compare(SCORES, found, "float32")


def record(folder, kind=COMPLETED, **files):
    trial = Trial("reference", workload_named("digits_cnn"), load_spec("reference").native("cnn"), 0, "cpu", 1)
    made = TrialRecord(folder).create(trial)
    made.append(
        {
            "event": "outcome",
            "kind": kind,
            "time": 1.0,
            "error": "",
            "metrics": {},
            "log": "",
            "request": json.dumps(trial.request("train", "data")),
            **files,
        }
    )
    return made


def test_a_record_has_the_workload_and_the_weights(tmp_path):
    trained = transfer.read(record(tmp_path, weights=b"an archive"), "r", "reference")
    assert (trained.workload.name, trained.precision) == ("digits_cnn", "float64")
    assert trained.weights.read_bytes() == b"an archive"
    assert "an archive" not in (tmp_path / "events.jsonl").read_text()


@pytest.mark.parametrize(
    ("source", "kind", "files", "said"),
    [
        ("pytorch", COMPLETED, {"weights": b"x"}, "trained by reference, not by pytorch; use --from reference"),
        ("reference", DIVERGED, {}, "diverged: only a completed trial"),
        ("reference", COMPLETED, {}, "kept no weights; set keep_weights: true"),
    ],
)
def test_runs_that_cannot_be_transferred_are_refused(source, kind, files, said, tmp_path):
    with pytest.raises(SweepError, match=said):
        transfer.read(record(tmp_path, kind, **files), "r", source)


def test_an_adapter_without_the_network_is_refused():
    with pytest.raises(SweepError, match="cntk has no network 'transformer', which digits_cnn is; it has: cnn"):
        check_network("cntk", replace(workload_named("digits_cnn"), model="transformer"))


def test_the_configuration_has_the_defaults_except_for_settings_that_change_scores():
    spec = load_spec("cntk")
    trained = {**load_spec("pytorch").native("cnn"), "layout": "nhwc", "precision": "float64", "dropout_at_test": "on"}
    chosen = transfer.configuration(spec, "cnn", trained)
    assert chosen == {**spec.native("cnn"), "precision": "float64", "dropout_at_test": "off"}


def test_a_setting_that_the_target_does_not_support_is_refused():
    reference, pytorch = load_spec("reference"), load_spec("pytorch")
    trained = {**reference.native("gru"), "reset": "before", "padding": "pre"}
    assert transfer.configuration(reference, "gru", trained)["reset"] == "before"
    with pytest.raises(
        SweepError, match=r"pytorch can't predict as the network was trained, reset=before \(torch.nn.GRU"
    ):
        transfer.configuration(pytorch, "gru", trained)


def test_conflicting_choices_are_refused():
    conflict = Conflict({"precision": "float64", "dropout_at_test": "off"}, "a kernel is missing")
    spec = load_spec("pytorch")._replace(conflicts=(conflict,))
    with pytest.raises(SweepError, match="on a CPU: a kernel is missing"):
        transfer.configuration(spec, "cnn", {"precision": "float64"})
