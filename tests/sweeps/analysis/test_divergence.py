"""Divergence as a proportion."""

import pandas as pd
import pytest
from scipy import stats

from sweeps.analysis.divergence import divergences

NATIVES = {"a": {"init": "x"}, "b": {"init": "x"}}


def runs(counts):
    """counts: {(adapter, init): (diverged, completed)}."""
    rows = [
        {"adapter": adapter, "init": init, "seed": seed, "outcome": "diverged" if seed < diverged else "completed"}
        for (adapter, init), (diverged, completed) in counts.items()
        for seed in range(diverged + completed)
    ]
    return pd.DataFrame(rows)


def test_proportions_with_the_exact_test_and_newcombes_interval():
    found = divergences(runs({("a", "x"): (1, 9), ("a", "y"): (8, 2)}), NATIVES, ["init"])
    (one,) = found  # of one framework there is no mean
    assert (one.diverged, one.runs, one.diverged_baseline, one.runs_baseline) == (8, 10, 1, 10)
    assert one.estimate == pytest.approx(70.0) and one.p_value == pytest.approx(
        stats.fisher_exact([[8, 2], [1, 9]]).pvalue
    )
    assert (one.low, one.high) == pytest.approx(
        (26.58, 86.52), abs=0.01
    )  # from Wilson's: 0.4902 to 0.9433, 0.0179 to 0.4042


def test_frameworks_are_added_up_and_failures_are_none():
    table = runs({("a", "x"): (0, 3), ("a", "y"): (3, 0), ("b", "x"): (0, 3), ("b", "y"): (1, 2)})
    table.loc[len(table)] = {"adapter": "b", "init": "y", "seed": 9, "outcome": "failed"}
    found = {one.adapter: one for one in divergences(table, NATIVES, ["init"])}
    assert (found["all"].diverged, found["all"].runs, found["b"].runs) == (4, 6, 3)
    assert found["a"].p_value >= stats.fisher_exact([[3, 0], [0, 3]]).pvalue  # Holm's


def test_where_nothing_diverged_there_is_nothing_to_say():
    assert divergences(runs({("a", "x"): (0, 3), ("a", "y"): (0, 3)}), NATIVES, ["init"]) == []
    assert divergences(runs({("a", "x"): (2, 1)}), NATIVES, ["init", "relu"]) == []
