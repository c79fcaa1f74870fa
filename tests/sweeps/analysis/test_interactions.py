"""Interactions of settings with frameworks: against values computed by hand, and with many equal frameworks."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sweeps.analysis.effects import fits
from sweeps.analysis.interactions import interactions as interactions_of

NATIVES = {name: {"init": "x"} for name in "abcdefgh"}


def interactions(table, natives, varied, paired):
    return interactions_of(fits(table, natives, varied, paired))


def runs(effects, seeds=4, noise=1.0, seed=0):
    """effects: {adapter: what y adds, in points}."""
    random, rows = np.random.default_rng(seed), []
    for adapter, gain in effects.items():
        for block in range(seeds):
            for init in "xy":
                accuracy = (50 + gain * (init == "y") + noise * random.normal()) / 100
                rows.append(
                    {
                        "adapter": adapter,
                        "seed": block,
                        "init": init,
                        "accuracy": accuracy,
                        "step_ms_median": 10.0 if init == "x" else 20.0,
                    }
                )
    return pd.DataFrame(rows).assign(outcome="completed", train_seconds=np.nan, total_seconds=np.nan)


def test_what_a_framework_has_more_than_the_others():
    found = interactions(runs({"a": 1.0, "b": 2.0, "c": 6.0}, noise=0.0), NATIVES, ["init"], True)
    accuracy = {one.adapter: one for one in found if one.metric == "accuracy"}
    assert [accuracy[name].effect for name in "abc"] == pytest.approx([1.0, 2.0, 6.0])
    assert [accuracy[name].estimate for name in "abc"] == pytest.approx([1 - 4, 2 - 3.5, 6 - 1.5])
    time = [one for one in found if one.metric == "step_ms_median"]
    assert [one.effect for one in time] == pytest.approx([100.0] * 3) and [
        one.estimate for one in time
    ] == pytest.approx([0.0] * 3)


def test_with_two_frameworks_it_is_the_t_test():
    table = runs({"a": 0.0, "b": 3.0}, seeds=6)
    (one, _) = [found for found in interactions(table, NATIVES, ["init"], True) if found.metric == "accuracy"]
    cells = 100 * table.pivot_table("accuracy", ["adapter", "seed"], "init")
    differences = (cells["y"] - cells["x"]).unstack()
    test = stats.ttest_ind(differences.loc["a"], differences.loc["b"])
    interval = test.confidence_interval()
    assert (one.low, one.high) == pytest.approx((interval.low, interval.high)) and one.q_value == pytest.approx(
        test.pvalue
    )


def test_one_framework_alone_and_one_block_have_none():
    assert interactions(runs({"a": 1.0}), NATIVES, ["init"], True) == []
    found = [
        one
        for one in interactions(runs({"a": 1.0, "b": 1.0}, seeds=1), NATIVES, ["init"], True)
        if one.metric == "accuracy"
    ]
    assert [(one.low, one.high, one.q_value, one.found) for one in found] == [(None, None, None, False)] * 2


def test_frameworks_that_are_alike_are_seldom_found():
    sweeps = [
        interactions(runs(dict.fromkeys("abcdefgh", 1.0), seed=number), NATIVES, ["init"], True) for number in range(60)
    ]
    wrong = sum(any(one.found for one in found if one.metric == "accuracy") for found in sweeps)
    assert wrong <= 9  # 5 % of 60 are 3: more than 9 happen once in a thousand
    odd = interactions(runs({**dict.fromkeys("abcdefg", 1.0), "h": 9.0}), NATIVES, ["init"], True)
    assert next(one for one in odd if one.metric == "accuracy" and one.adapter == "h").found
