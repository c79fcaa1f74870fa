"""The worker in the reference's interpreter: its verbs, its timing and its errors."""

import gc

import numpy as np
import pytest

from adapters import load_spec
from adapters.loop import STEPS, speed, train_epoch
from adapters.worker import no_collection
from experiments import locations
from experiments.errors import WorkerDied
from experiments.preparation import datasets
from experiments.running import runner
from experiments.trials.trial import COMPLETED, DIVERGED, FAILED, Trial
from experiments.trials.workload import workload_named

TINY = workload_named("digits_cnn").with_overrides(filters=(2, 3), hidden=8, batch_size=32, epochs=2, train_examples=70)


def trial(workload=TINY, **changed):
    return Trial(
        "reference", workload, {**load_spec("reference").native("cnn"), **changed}, 0, "cpu", 1, 60, unverified=True
    )


@pytest.fixture
def run(built, tmp_path):
    built("reference")
    return lambda one: list(runner.run_trial(one, tmp_path / "trial", locations.cache()))


def test_a_completed_trial(run):
    events = run(trial())
    assert [event["event"] for event in events] == ["started", "ready", "epoch", "epoch", "outcome"]
    last = events[-1]
    assert (last["kind"], last["error"]) == (COMPLETED, "")
    metrics = last["metrics"]
    assert metrics["steps"] == 4 and metrics["accuracy"] == events[-2]["accuracy"]
    assert 0 < metrics["first_step_seconds"] <= metrics["train_seconds"] < metrics["total_seconds"]
    assert metrics["images_per_second"] == pytest.approx(32000 / metrics["step_ms_median"])
    assert '"verb": "train"' in last["request"]


def test_a_diverged_trial_is_an_outcome(run):
    events = run(trial(TINY.with_overrides(learning_rate=1e200)))
    assert events[-1]["kind"] == DIVERGED
    epochs = [event for event in events if event["event"] == "epoch"]
    assert epochs[-1]["loss"] is None and len(epochs) <= 2
    assert 0 <= events[-1]["metrics"]["accuracy"] <= 1


def test_a_failure_has_its_traceback(run):
    events = run(trial(TINY.with_overrides(input_shape=(2, 8, 8))))
    assert events[-1]["kind"] == FAILED
    assert events[-1]["error"].startswith("ValueError")
    assert "Traceback" in events[-1]["traceback"]


def test_settings_that_are_not_in_force_fail_the_trial():
    with pytest.raises(WorkerDied, match="relu: requested after_pool, in force before_pool"):
        runner.check_settings({"relu": "after_pool", "loss": "logits"}, {"relu": "before_pool", "loss": "logits"})


def test_a_trial_can_be_repeated_from_its_request(run, tmp_path, built):
    first = run(trial())
    from experiments.running import worker_process

    environment = worker_process.worker_environment({}, 1)
    again = list(
        worker_process.stream(built("reference").python, tmp_path / "trial", environment, worker_process.Limits(60, 60))
    )
    assert [event["loss"] for event in again if event["event"] == "epoch"] == [
        event["loss"] for event in first if event["event"] == "epoch"
    ]


def test_an_unknown_protocol_is_refused(built, tmp_path):
    request = {**trial().request("train", str(datasets.prepare("digits", locations.cache()))), "protocol": 99}
    events = list(runner.events(trial(), tmp_path, built("reference"), request))
    assert events[-1]["event"] == "failed" and "protocol 99" in events[-1]["message"]


class Counting:
    """A model whose loss is the number of the batch."""

    def train_step(self, x, y):
        return x

    def synchronize(self):
        pass


@pytest.mark.parametrize("first", [True, False])
def test_an_epoch_trains_on_every_batch_once(first):
    again = [(number, None) for number in range(25)]  # a list, like a loader, can be iterated several times
    laps, losses = train_epoch(Counting(), STEPS["every_ten"], again, first)
    assert losses == list(range(25)) and [steps for steps, _ in laps] == ([1, 10, 10, 4] if first else [10, 10, 5])


def test_the_speed_excludes_the_first_steps():
    # (steps, seconds) of windows: a slow first step, a slow warm-up, then 10 ms per step.
    windows = [(1, 5.0), (10, 1.0), (10, 1.0), *[(10, 0.1)] * 5]
    found = speed(windows, 64)
    assert found["first_step_seconds"] == 5.0
    assert found["step_ms_median"] == pytest.approx(10.0) and found["step_ms_iqr"] == pytest.approx(0.0)
    assert found["steps"] == 71
    assert speed([], 64) == {}
    assert np.isfinite(speed([(1, 0.5)], 64)["step_ms_median"])


def test_garbage_collection_is_off_only_while_a_network_is_built():
    with pytest.raises(ZeroDivisionError), no_collection():
        assert not gc.isenabled()
        raise ZeroDivisionError
    assert gc.isenabled()
