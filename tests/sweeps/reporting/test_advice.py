"""Advice: only what is sure, and no time that costs accuracy."""

from sweeps.analysis.effects import Effect
from sweeps.reporting.advice import advice


def effect(setting, metric, low, high, adapter="pytorch"):
    return Effect(setting, "new", "old", metric, adapter, (low + high) / 2, low, high, 5)


def named(effects):
    return [one.setting for one in effects]


def test_the_largest_sure_gains_come_first_and_what_is_unsure_or_worse_is_not_advised():
    found = [
        effect("small", "accuracy", 0.1, 0.5),
        effect("large", "accuracy", 1.0, 3.0),
        effect("unsure", "accuracy", -1.0, 3.0),
        effect("worse", "accuracy", -3.0, -1.0),
        effect("elsewhere", "accuracy", 1.0, 3.0, "chainer"),
        effect("mean", "accuracy", 1.0, 3.0, "all"),
    ]
    mine, other = advice(found, ["pytorch", "chainer"])
    assert (mine.adapter, named(mine.accurate), named(mine.fast)) == ("pytorch", ["large", "small"], [])
    assert named(other.accurate) == ["elsewhere"]


def test_time_that_costs_accuracy_is_not_saved():
    found = [
        effect("dear", "accuracy", -3.0, -1.0),
        effect("dear", "step_ms_median", -30.0, -20.0),
        effect("slow", "step_ms_median", 1.0, 2.0),
        effect("fast", "step_ms_median", -9.0, -5.0),
        effect("fast", "accuracy", -0.1, 0.2),
        effect("total", "total_seconds", -9.0, -5.0),
    ]
    (mine,) = advice(found, ["pytorch"])
    assert named(mine.fast) == ["fast"] and not mine.accurate
