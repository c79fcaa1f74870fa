"""One trained network in every framework: any two predict the same classes from the same weights."""

from functools import cache
from itertools import permutations

import numpy as np
import pytest

from adapters import ADAPTERS, load_spec
from experiments import locations
from experiments.errors import WorkerDied
from experiments.preparation import datasets
from experiments.running import runner
from experiments.trials.records import TrialRecord
from experiments.trials.trial import COMPLETED, Trial
from experiments.trials.workload import workload_named
from experiments.verification import equivalence, transfer
from experiments.verification.transfer import compare, predict

pytestmark = pytest.mark.xdist_group("transfer")

WORKLOADS = {
    "cnn": workload_named("digits_cnn").with_overrides(filters=(16, 32), hidden=64, batch_size=16, epochs=2),
    "gru": workload_named("imdb_gru").with_overrides(tokens=12, vocabulary=500, embedding=64, hidden=60, epochs=2),
}
ABLE = {model: [name for name in ADAPTERS if model in load_spec(name).models] for model in WORKLOADS}
PAIRS = [(model, *pair) for model, able in ABLE.items() for pair in permutations(able, 2)]
ALL = [(model, name) for model, able in ABLE.items() for name in able]


@pytest.fixture(scope="module", autouse=True)
def data(tmp_path_factory):
    """Real digits; the reviews are a download, so sequences stand in for them."""
    prepare, folder = datasets.prepare, tmp_path_factory.mktemp("data") / "imdb"
    equivalence.write_data(WORKLOADS["gru"], folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "prepare", lambda name, cache: prepare(name, cache) if name == "digits" else folder)
        yield


@pytest.fixture(scope="module")
def trained(built, tmp_path_factory):
    """trained(model) -> a network that the reference trained, as its record holds it; trained once."""
    built("reference")

    @cache
    def trained(model):
        configuration = {**load_spec("reference").native(model), "precision": "float32"}
        trial = Trial(
            "reference", WORKLOADS[model], configuration, 0, "cpu", 1, 600, keep_weights=True, unverified=True
        )
        folder = tmp_path_factory.mktemp(model)
        record = TrialRecord(folder / "record").create(trial)
        for event in runner.run_trial(trial, folder / "node", locations.cache()):
            record.append(event)
        return transfer.read(record, "a-run", "reference")

    return trained


@pytest.fixture(scope="module")
def predictions(trained, built, tmp_path_factory):
    """predictions(model, adapter) -> (scores, accuracy), worked out once."""

    @cache
    def predictions(model, name):
        built(name)
        network = trained(model)
        return predict(name, network, network.weights, tmp_path_factory.mktemp("predict") / name, locations.cache())

    return predictions


@pytest.mark.parametrize(("model", "source", "target"), PAIRS)
def test_every_pair_of_adapters_predicts_the_same(model, source, target, trained, predictions):
    (expected, accuracy_from), (found, accuracy_to) = predictions(model, source), predictions(model, target)
    comparison = compare(expected, found, trained(model).precision)
    assert comparison.passed, comparison
    assert comparison.examples == len(expected) and comparison.tolerance < 1e-3
    assert comparison.margin <= 2 * comparison.max_difference
    assert abs(accuracy_from - accuracy_to) <= comparison.differing / comparison.examples


@pytest.mark.parametrize(("model", "name"), ALL)
def test_the_predictions_are_those_of_the_trained_network(model, name, trained, predictions):
    outcome = TrialRecord(trained(model).weights.parent).outcome()
    assert outcome["kind"] == COMPLETED
    scores, accuracy = predictions(model, name)
    assert accuracy == pytest.approx(outcome["metrics"]["accuracy"], abs=1 / len(scores))
    assert model != "cnn" or (len(scores) == 360 and accuracy > 0.2)  # real digits, and it has learnt: chance is 0.1


def changed(network, folder, change):
    """A copy of the network's weights, the first array changed."""
    weights = dict(np.load(network.weights, allow_pickle=False))
    first = next(iter(weights))
    weights[first] = np.ascontiguousarray(change(weights[first]))
    np.savez(folder / "changed.npz", **weights)
    return folder / "changed.npz"


@pytest.mark.parametrize("model", WORKLOADS)
def test_another_network_does_not_pass(model, trained, predictions, tmp_path):
    weights = changed(trained(model), tmp_path, lambda array: array * 1.01)
    found, _ = predict("reference", trained(model), weights, tmp_path / "run", locations.cache())
    assert not compare(predictions(model, "reference")[0], found, "float32").passed


@pytest.mark.parametrize(("model", "name"), ALL)
def test_weights_of_another_shape_are_refused(model, name, trained, built, tmp_path):
    built(name)
    weights = changed(trained(model), tmp_path, np.transpose)
    with pytest.raises(WorkerDied, match="the given weights have shapes"):
        predict(name, trained(model), weights, tmp_path / "run", locations.cache())
