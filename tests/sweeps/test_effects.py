"""Effects against truths worked out by hand, and the coverage of their intervals."""

import numpy as np
import pandas as pd
import pytest

from sweeps.effects import ALL, effects, interval

SETTINGS = ["init", "relu"]
NATIVES = {"a": {"init": "x", "relu": "b"}, "b": {"init": "x", "relu": "b"}, "c": {"relu": "b"}}


def runs(rows):
    columns = ["adapter", "seed", "init", "relu", "accuracy", "step_ms_median"]
    return pd.DataFrame(rows, columns=columns).assign(outcome="completed", train_seconds=np.nan, total_seconds=np.nan)


def pick(found, metric="accuracy", adapter="a", setting="init"):
    (one,) = [e for e in found if (e.metric, e.adapter, e.setting) == (metric, adapter, setting)]
    return one


def test_one_at_a_time_is_paired_by_seed():
    table = runs([
        ("a", 0, "x", "b", 0.50, 10.0), ("a", 0, "y", "b", 0.60, 20.0),
        ("a", 1, "x", "b", 0.70, 10.0), ("a", 1, "y", "b", 0.82, 20.0),
        ("a", 2, "x", "b", 0.10, 10.0),  # no partner
    ])  # fmt: skip
    found = effects(table, NATIVES, ["init", "relu"], SETTINGS)
    accuracy = pick(found)
    assert (accuracy.choice, accuracy.baseline, accuracy.n) == ("y", "x", 2)
    # Differences 10 and 12 points: mean 11, deviation sqrt(2), t(1) = 12.706.
    assert accuracy.estimate == pytest.approx(11.0)
    assert (accuracy.low, accuracy.high) == pytest.approx((11 - 12.706, 11 + 12.706), abs=1e-2)
    time = pick(found, "step_ms_median")
    assert (time.estimate, time.low, time.high) == pytest.approx((100.0, 100.0, 100.0))
    assert not [e for e in found if e.setting == "relu"]


def test_a_factorial_averages_within_its_blocks():
    rows = []
    for seed in (0, 1, 2):
        for init, gain in (("x", 0.0), ("y", 0.1)):
            for relu, extra in (("b", 0.0), ("c", 0.04)):
                interaction = 0.02 if (init, relu) == ("y", "c") else 0.0
                rows.append(("a", seed, init, relu, 0.5 + gain + extra + interaction + 0.01 * seed, 1.0))
    found = pick(effects(runs(rows), NATIVES, SETTINGS, SETTINGS))
    assert found.estimate == pytest.approx(11.0) and found.n == 3  # (10 + 12) / 2, one difference a block
    assert (found.low, found.high) == pytest.approx((11.0, 11.0))


def test_all_pools_the_blocks_of_frameworks_with_the_same_baseline():
    table = runs([(adapter, seed, init, "b", 0.5 + (init == "y") * gain, 1.0)
                  for adapter, gain in (("a", 0.1), ("b", 0.2)) for seed in (0, 1) for init in "xy"])  # fmt: skip
    found = effects(table, NATIVES, ["init"], SETTINGS)
    assert pick(found, adapter=ALL).estimate == pytest.approx(15.0) and pick(found, adapter=ALL).n == 4
    only = effects(table[table["adapter"] == "a"], NATIVES, ["init"], SETTINGS)
    assert not [e for e in only if e.adapter == ALL]


def test_a_setting_that_a_framework_lacks_pairs_with_itself():
    table = runs([("c", seed, None, relu, 0.5 + 0.1 * (relu == "c"), 1.0) for seed in (0, 1) for relu in "bc"])
    assert pick(effects(table, NATIVES, SETTINGS, SETTINGS), adapter="c", setting="relu").estimate == pytest.approx(10.0)


def test_divergence_keeps_its_accuracy_and_has_no_time():
    table = runs([("a", seed, init, "b", 0.9 if init == "x" else 0.1, 5.0) for seed in (0, 1) for init in "xy"])
    table.loc[table["init"] == "y", "outcome"] = "diverged"
    found = effects(table, NATIVES, ["init"], SETTINGS)
    assert pick(found).estimate == pytest.approx(-80.0)
    assert not [e for e in found if e.metric == "step_ms_median"]


def test_one_block_has_no_interval():
    assert interval(np.array([1.5]), "accuracy") == (1.5, None, None)


def test_intervals_cover_the_truth_as_often_as_they_say():
    random = np.random.default_rng(7)
    truth, covered, draws = 1.0, 0, 2000
    for _ in range(draws):
        _, low, high = interval(random.normal(truth, 0.5, 5), "accuracy")
        covered += low <= truth <= high
    assert covered / draws == pytest.approx(0.95, abs=0.015)
