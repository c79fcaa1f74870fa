"""Noise: the pairing's correlation against published figures, and the A/A arm."""

import json

import numpy as np
import pandas as pd
import pytest

from sweeps.analysis.noise import intraclass, pairings, repetitions

# Shrout and Fleiss (1979), table 2: six targets, four judges.
SHROUT = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)


def test_the_intraclass_correlation_is_shrouts_and_fleisss():
    value, low, high = intraclass(SHROUT)
    assert value == pytest.approx(0.715, abs=5e-4) and (low, high) == pytest.approx((0.34, 0.95), abs=5e-3)


def test_it_is_of_whole_blocks_and_of_what_varies():
    rows = [
        {"adapter": "a", "seed": seed, "init": str(column), "relu": "b", "accuracy": value / 100}
        for seed, line in enumerate(SHROUT)
        for column, value in enumerate(line)
    ]
    extra = {"adapter": "a", "seed": 9, "init": "0", "relu": "b", "accuracy": 0.9}  # its block is not whole
    (found,) = pairings(pd.DataFrame([*rows, extra]), ["init", "relu", "loss"])
    assert (found.adapter, found.seeds, found.configurations) == ("a", 6, 4) and found.correlation == pytest.approx(
        0.715, abs=5e-4
    )
    assert pairings(pd.DataFrame(rows), []) == []
    assert intraclass(np.ones((3, 2))) == (0.0, 0.0, 0.0)


def arm(differences, times=None):
    """Pairs of runs whose accuracies, in points, and times, as a ratio, differ so."""
    rows = []
    for seed, difference in enumerate(differences):
        ratio = times[seed] if times else 1.0
        for again, accuracy, step in ((False, 0.5, 10.0), (True, 0.5 + difference / 100, 10.0 * ratio)):
            rows.append(
                {
                    "adapter": "a",
                    "seed": seed,
                    "trial": f"{seed}{again}",
                    "repeats": f"{seed}False" if again else "",
                    "outcome": "completed",
                    "accuracy": accuracy,
                    "step_ms_median": step,
                }
            )
    return pd.DataFrame(rows)


def test_the_second_run_is_compared_with_the_first():
    (found,) = repetitions(arm([1.0, 2.0, 3.0], [1.1, 1.1, 1.1]))
    assert (
        found.pairs == 3 and found.accuracy[0] == pytest.approx(2.0) and found.time == pytest.approx((10.0, 10.0, 10.0))
    )
    assert found.deviation == pytest.approx((14 / 3 / 2) ** 0.5)
    assert found.false_findings == [False, True]  # t(2) of 2 and 1 / sqrt(3): from -0.5 to 4.5


def test_what_repeats_exactly_has_no_false_finding():
    (found,) = repetitions(arm([0.0, 0.0]))
    assert found.deviation == 0.0 and found.false_findings == [False, False]
    assert repetitions(arm([0.0]).query("repeats == ''")) == [] and repetitions(pd.DataFrame({"adapter": ["a"]})) == []


def test_a_pair_without_its_first_run_is_none():
    pairs = arm([1.0, 2.0])
    (found,) = repetitions(pairs[pairs["trial"] != "0False"])
    assert found.pairs == 1 and found.accuracy == (pytest.approx(2.0), None, None) and found.false_findings == []


def test_pairs_that_diverged_have_no_time_and_are_still_json():
    (found,) = repetitions(arm([1.0, 2.0]).assign(outcome="diverged"))
    assert found.time is None and found.accuracy[0] == pytest.approx(1.5) and found.false_findings == [False]
    json.dumps(found._asdict(), allow_nan=False)
