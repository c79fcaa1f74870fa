"""Pilots: what earlier runs say of a plan."""

import pandas as pd
import pytest

from sweeps.planning import config, pilot, planner, view
from sweeps.planning.forecast import forecast


def runs(rows):
    """rows: (adapter, seed, init, accuracy, seconds, repeats)"""
    columns = ["adapter", "seed", "init", "accuracy", "total_seconds", "repeats"]
    return pd.DataFrame(rows, columns=columns).assign(loss=None)


RUNS = runs(
    [
        ("a", 0, "x", 0.50, 10.0, ""),
        ("a", 1, "x", 0.52, 20.0, ""),
        ("a", 2, "x", 0.54, 30.0, ""),
        ("a", 0, "y", 0.80, 40.0, ""),
        ("a", 1, "y", 0.80, 50.0, ""),
        ("a", 1, "y", 0.80, 50.0, ""),  # the same trial in another sweep
        ("a", 0, "x", 0.99, 10.0, "first"),  # an A/A arm says nothing of seeds
        ("b", 0, "x", 0.50, 7.0, ""),
    ]
)


def test_a_seeds_deviation_is_pooled_over_configurations():
    found = pilot.pilots(RUNS)
    assert found["a"].runs == 7 and found["a"].seconds == 30.0
    assert found["a"].deviation == pytest.approx(
        ((2 * 2.0**2 + 0) / 3) ** 0.5
    )  # points; 2 degrees of freedom of x, 1 of y
    assert found["b"] == (1, 7.0, None)
    assert pilot.pilots(pd.DataFrame()) == {}


def test_device_hours_and_what_nobody_knows():
    hours, unknown = pilot.device_hours(pilot.pilots(RUNS), ["a", "a", "b", "c", "c"])
    assert hours == pytest.approx((30 + 30 + 7) / 3600) and unknown == ["c"]


def test_a_plan_says_it_in_words():
    file = {
        "name": "p",
        "workload": {"name": "digits_cnn"},
        "adapters": ["pytorch", "chainer"],
        "design": "one-at-a-time",
        "settings": {"init": ["native", "glorot_uniform"]},
        "seeds": 4,
    }
    made = planner.plan(config.parse(file, "f"))
    found = forecast(made, {"chainer": pilot.Pilot(3, 3600.0, 2.0)}, None, 0.5)
    said = "\n".join(view.lines(made, found))
    assert "device-hours: about 12.00, from the median of 3 earlier trials, without pytorch" in said
    assert "24 trials, 8 of them repetitions" in said
    sees = {name: one.smallest_effect for name, one in found.power.items()}
    assert sees["chainer"] == pytest.approx(2 * sees["pytorch"]) and f"{sees['chainer']:.2f} points" in said
    assert f"pytorch: minimum detectable effect on accuracy: {sees['pytorch']:.2f} standard deviations" in said


def test_a_search_takes_as_long_as_if_each_adapter_came_equally_often():
    file = {
        "name": "p",
        "workload": {"name": "digits_cnn"},
        "adapters": ["pytorch", "chainer"],
        "design": "search",
        "trials": 5,
        "settings": {"init": ["native", "glorot_uniform"]},
    }
    made = planner.plan(config.parse(file, "f"))
    seconds = {"pytorch": pilot.Pilot(1, 1000.0, None), "chainer": pilot.Pilot(1, 3000.0, None)}
    hours, unknown = pilot.device_hours(seconds, made.trial_adapters)
    assert hours == pytest.approx((3 * 1000 + 2 * 3000) / 3600) and unknown == [] and made.as_dict()["planned"] == 5
