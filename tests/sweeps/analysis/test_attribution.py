"""Shares of a gap: against Shapley's values worked out by hand."""

import itertools

import numpy as np
import pandas as pd
import pytest

from sweeps.analysis.attribution import GAP, REST, Walked, shares

STEPS = {"init": ("x", "y"), "relu": ("b", "c")}
PATH = Walked("a", "b", STEPS, [list(walk) for walk in itertools.permutations(STEPS)])


def runs(seeds=3, spread=0.0):
    """init adds 4 points, relu 1, both together 2 more; b has 3 more than a at the same settings."""
    rows = []
    for seed, init, relu in itertools.product(range(seeds), "xy", "bc"):
        points = (
            50 + 4 * (init == "y") + (relu == "c") + 2 * (init == "y" and relu == "c") + spread * seed * (init == "y")
        )
        rows.append(
            {
                "adapter": "a",
                "seed": seed,
                "init": init,
                "relu": relu,
                "accuracy": points / 100,
                "step_ms_median": 10.0 + 10 * (relu == "c"),
            }
        )
    rows += [
        {
            "adapter": "b",
            "seed": seed,
            "init": "y",
            "relu": "c",
            "accuracy": 0.60 + spread * seed / 100,
            "step_ms_median": 40.0,
        }
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows).assign(outcome="completed")


def of(found, metric="accuracy"):
    return {one.part: one for one in found if one.metric == metric}


def test_a_share_is_the_mean_over_the_orders_and_the_shares_add_up():
    found = of(shares(PATH, runs()))
    assert [found[part].estimate for part in ("init", "relu", REST, GAP)] == pytest.approx([5.0, 2.0, 3.0, 10.0])
    assert (found["init"].baseline, found["init"].choice, found[REST].baseline, found[REST].choice) == (
        "x",
        "y",
        "a",
        "b",
    )
    time = of(shares(PATH, runs()), "step_ms_median")
    assert [time[part].estimate for part in ("init", "relu", REST, GAP)] == pytest.approx([0.0, 100.0, 100.0, 300.0])


def test_intervals_are_over_the_seeds():
    found = of(shares(PATH, runs(spread=1.0)))
    assert found["init"].estimate == pytest.approx(6.0) and found["init"].n == 3
    half = 4.302653 * 1.0 / np.sqrt(3)  # t(2), of 5, 6 and 7 points
    assert (found["init"].low, found["init"].high) == pytest.approx((6 - half, 6 + half), abs=1e-4)


def test_a_seed_whose_walks_are_not_whole_is_left_out():
    table = runs()
    cut = table[~((table["seed"] == 1) & (table["init"] == "y") & (table["relu"] == "b"))]
    assert of(shares(PATH, cut))["init"].n == 2
    assert shares(PATH, table[table["adapter"] == "a"]) == []


def test_without_a_step_the_whole_gap_is_the_framework():
    bare = Walked("a", "b", {}, [[]])
    table = runs()
    found = of(shares(bare, table[(table["adapter"] == "b") | ((table["init"] == "x") & (table["relu"] == "b"))]))
    assert found[REST].estimate == found[GAP].estimate == pytest.approx(10.0)
