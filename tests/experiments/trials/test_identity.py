"""A trial's identity names it in records and ledgers of the past: it must not change with the code that computes it."""

import pytest

from adapters import load_spec
from experiments.trials import trial
from experiments.trials.trial import Trial
from experiments.trials.workload import workload_named

# Computed when a trial's identity was first written down, for an environment whose digest is "fixed".
IDENTITIES = {
    ("pytorch", "digits_cnn", "cpu"): "c0ff148f2b6a5b278368",
    ("pytorch", "digits_cnn", "cuda"): "7f0d01c95cea9b168871",
    ("pytorch", "imdb_gru", "cpu"): "5dc3e51529410a7f5ce5",
    ("pytorch", "imdb_gru", "cuda"): "44cca33e8179c31dd6ca",
    ("cntk", "digits_cnn", "cpu"): "72c33e90799bc0d05c27",
}


@pytest.mark.parametrize(("adapter", "workload", "device"), IDENTITIES)
def test_an_identity_stays(adapter, workload, device, monkeypatch):
    monkeypatch.setattr(trial, "_environment_digest", lambda adapter, device: "fixed")
    one = workload_named(workload)
    found = Trial(adapter, one, load_spec(adapter).native(one.model), 3, device, 2)
    assert found.identity == IDENTITIES[adapter, workload, device]
