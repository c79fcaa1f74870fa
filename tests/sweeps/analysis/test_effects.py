"""Effects against truths worked out by hand, and the coverage of their intervals."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats
from statsmodels.formula.api import ols
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from benchmarks import calibration
from sweeps.analysis import linear_model
from sweeps.analysis.effects import ALL, MATTERS, NEGLIGIBLE, UNDECIDED, bounds, fits, holm, mean_interval
from sweeps.analysis.effects import effects as effects_of
from sweeps.planning import power

SETTINGS = ["init", "relu"]
NATIVES = {"a": {"init": "x", "relu": "b"}, "b": {"init": "x", "relu": "b"}, "c": {"relu": "b"}}


def effects(table, natives, varied, smallest=calibration.SMALLEST, paired=False):
    return effects_of(fits(table, natives, varied, paired), varied, smallest)


def runs(rows):
    columns = ["adapter", "seed", "init", "relu", "accuracy", "step_ms_median"]
    return pd.DataFrame(rows, columns=columns).assign(outcome="completed", train_seconds=np.nan, total_seconds=np.nan)


def pick(found, metric="accuracy", adapter="a", setting="init"):
    (one,) = [e for e in found if (e.metric, e.adapter, e.setting) == (metric, adapter, setting)]
    return one


def test_one_at_a_time_is_paired_by_seed():
    table = runs(
        [
            ("a", 0, "x", "b", 0.50, 10.0),
            ("a", 0, "y", "b", 0.60, 20.0),
            ("a", 1, "x", "b", 0.70, 10.0),
            ("a", 1, "y", "b", 0.82, 20.0),
            ("a", 2, "x", "b", 0.10, 10.0),  # no partner
        ]
    )
    found = effects(table, NATIVES, ["init", "relu"])
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
    found = pick(effects(runs(rows), NATIVES, SETTINGS))
    assert found.estimate == pytest.approx(11.0) and found.n == 3  # (10 + 12) / 2, one difference a block
    assert (found.low, found.high) == pytest.approx((11.0, 11.0))


def test_all_pools_the_blocks_of_frameworks_with_the_same_baseline():
    table = runs(
        [
            (adapter, seed, init, "b", 0.5 + (init == "y") * gain, 1.0)
            for adapter, gain in (("a", 0.1), ("b", 0.2))
            for seed in (0, 1)
            for init in "xy"
        ]
    )
    found = effects(table, NATIVES, ["init"])
    assert pick(found, adapter=ALL).estimate == pytest.approx(15.0) and pick(found, adapter=ALL).n == 4
    only = effects(table[table["adapter"] == "a"], NATIVES, ["init"])
    assert not [e for e in only if e.adapter == ALL]


def test_a_setting_that_a_framework_lacks_pairs_with_itself():
    table = runs([("c", seed, None, relu, 0.5 + 0.1 * (relu == "c"), 1.0) for seed in (0, 1) for relu in "bc"])
    assert pick(effects(table, NATIVES, SETTINGS), adapter="c", setting="relu").estimate == pytest.approx(10.0)


def test_divergence_keeps_its_accuracy_and_has_no_time():
    table = runs([("a", seed, init, "b", 0.9 if init == "x" else 0.1, 5.0) for seed in (0, 1) for init in "xy"])
    table.loc[table["init"] == "y", "outcome"] = "diverged"
    found = effects(table, NATIVES, ["init"])
    assert pick(found).estimate == pytest.approx(-80.0)
    assert not [e for e in found if e.metric == "step_ms_median"]


def test_one_block_has_no_interval():
    assert mean_interval(np.array([1.5])) == (1.5, None, None)
    (only,) = [
        e
        for e in effects(runs([("a", 0, init, "b", 0.5, 1.0) for init in "xy"]), NATIVES, SETTINGS)
        if e.metric == "accuracy"
    ]
    assert (only.low, only.high, only.p_value, only.verdict) == (None, None, None, UNDECIDED)


def test_choices_that_were_never_apart_have_no_effects():
    """init y came with relu c alone: neither is told from the other, and no number is made up."""
    table = runs([("a", seed, init, relu, 0.5, 1.0) for seed in (0, 1) for init, relu in (("x", "b"), ("y", "c"))])
    assert effects(table, NATIVES, SETTINGS) == []


def test_an_effect_that_depends_on_another_setting_is_the_mean_over_its_choices():
    rows = [
        ("a", seed, init, relu, 0.5 + 0.02 * (init == "y") * (relu == "c"), 1.0)
        for seed in (0, 1)
        for init in "xy"
        for relu in "bc"
    ]
    assert pick(effects(runs(rows), NATIVES, SETTINGS)).estimate == pytest.approx(1.0)


def noisy(size, spread, seeds=6):
    """Runs whose paired differences have mean `size` and deviation `spread`, in points."""
    shifts = np.linspace(-1, 1, seeds)
    shifts *= spread / shifts.std(ddof=1)
    return runs(
        [
            ("a", seed, init, "b", 0.5 + (init == "y") * (size + shifts[seed]) / 100, 1.0)
            for seed in range(seeds)
            for init in "xy"
        ]
    )


def test_verdicts():
    verdict = {
        case: pick(effects(noisy(*case), NATIVES, ["init"]))
        for case in ((2.0, 0.5), (0.1, 0.2), (0.7, 1.0), (0.0, 4.0))
    }
    assert [effect.verdict for effect in verdict.values()] == [MATTERS, NEGLIGIBLE, UNDECIDED, UNDECIDED]
    # t(5) = 2.571, deviation 1 and 6 seeds: half a width of 1.05 is to become 0.2, the distance to half a point.
    assert verdict[0.7, 1.0].more_seeds == np.ceil(6 * (2.571 / np.sqrt(6) / 0.2) ** 2) - 6
    assert verdict[2.0, 0.5].more_seeds is None
    assert pick(effects(noisy(2.0, 0.5), NATIVES, ["init"], {"accuracy": 3.0, "time": 3.0})).verdict == NEGLIGIBLE


def test_p_values_are_holms_and_intervals_pay_for_their_number():
    one = pick(effects(noisy(1.0, 1.0), NATIVES, ["init"]))
    # scipy.stats.ttest_1samp of the six differences: t = 1 / (1 / sqrt(6)) = 2.449 with 5 degrees of freedom.
    assert one.p_value == pytest.approx(0.05797, abs=1e-4)
    assert (one.low, one.high) == pytest.approx((1 - 2.5706 / 6**0.5, 1 + 2.5706 / 6**0.5), abs=1e-3)
    table = pd.concat([noisy(1.0, 1.0), noisy(0.0, 1.0).query("init == 'y'").assign(init="x", relu="c")])
    both = [effect for effect in effects(table, NATIVES, SETTINGS) if effect.metric == "accuracy"]
    alone = linear_model.estimates(
        table.assign(value=100 * table["accuracy"]), {"init": "x", "relu": "b"}, paired=False
    )
    assert [(e.low, e.high) for e in both] == [pytest.approx(bounds(one, 0.975)) for one in alone.values()]
    raw = [2 * stats.t.sf(abs(one.value / one.error), one.df) for one in alone.values()]
    assert [effect.p_value for effect in both] == pytest.approx(multipletests(raw, method="holm")[1])
    assert holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx(multipletests([0.01, 0.04, 0.03, 0.5], method="holm")[1])


def test_paired_a_wild_choice_does_not_blur_another():
    """Single contrasts: the errors of a choice that wrecks some runs are not those of one that changes nothing."""
    wild = [-40.0, 0.0, -20.0]
    rows = [
        ("a", seed, init, relu, 0.8 + 0.01 * seed + (init == "y") * wild[seed] / 100, 5.0)
        for seed in range(3)
        for init, relu in (("x", "b"), ("y", "b"), ("x", "c"))
    ]
    apart, together = (effects(runs(rows), NATIVES, SETTINGS, paired=paired) for paired in (True, False))
    assert (pick(apart, setting="relu").low, pick(apart, setting="relu").verdict) == (
        pytest.approx(0, abs=1e-6),
        NEGLIGIBLE,
    )
    assert pick(together, setting="relu").verdict == UNDECIDED
    expected = stats.ttest_1samp(wild, 0).confidence_interval(0.975)
    assert (pick(apart).low, pick(apart).high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_the_interval_of_a_mean_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(7)
    truth, covered, draws = 1.0, 0, 2000
    for _ in range(draws):
        _, low, high = mean_interval(random.normal(truth, 0.5, 5))
        covered += low <= truth <= high
    assert covered / draws == pytest.approx(0.95, abs=0.015)


# Calibration: as python -m benchmarks.calibration, with fewer draws and bounds of three standard errors.


@pytest.mark.parametrize("design", calibration.DESIGNS)
def test_intervals_cover_the_truth_as_often_as_they_say(design):
    found = calibration.coverage(200, design)
    assert found["coverage, single intervals"] == pytest.approx(0.95, abs=3 * (0.95 * 0.05 / 800) ** 0.5)
    assert found["coverage, families"] > 0.95 - 3 * (0.95 * 0.05 / 200) ** 0.5


@pytest.mark.parametrize("design", calibration.DESIGNS)
def test_few_families_without_any_effect_have_one_called_so(design):
    found = calibration.false_positives(100, design)
    assert all(share < 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5 for share in found.values())


@pytest.mark.parametrize("design", calibration.DESIGNS)
def test_what_the_planner_promises_is_found(design):
    found = calibration.achieved_power(120, design)
    assert found["power"] == pytest.approx(0.8, abs=3 * (0.8 * 0.2 / 360) ** 0.5)


@pytest.mark.parametrize("paired", [True, False])
def test_the_planner_knows_the_paired_t_test(paired):
    rows, baselines = pd.DataFrame({"init": ["x", "y"]}), {"init": "x"}
    for seeds in (3, 6):  # a difference of two runs has sqrt(2) times a run's deviation
        (smallest,) = power.smallest_effects(rows, baselines, seeds, paired).values()
        assert smallest == pytest.approx(TTestPower().solve_power(nobs=seeds, alpha=0.05, power=0.8) * 2**0.5, rel=1e-3)
    assert (
        power.seeds_needed(rows, baselines, smallest, paired) == 6
        and power.seeds_needed(rows, baselines, 0.01, paired) is None
    )
    assert list(power.smallest_effects(rows, baselines, 1, paired).values()) == [np.inf]


@pytest.mark.parametrize("shift", [1.0, 8.0, 10.0, 14.0])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_power_far_out_is_a_number(alpha, shift):
    """Of two degrees of freedom, by integration over the spread that a sample shows."""
    critical = stats.t.isf(alpha / 2, 2)

    def density(spread):
        found = stats.norm.sf(critical * spread - shift) + stats.norm.cdf(-critical * spread - shift)
        return stats.chi2.pdf(2 * spread**2, 2) * 4 * spread * found

    truth, _ = integrate.quad(density, 0, np.inf, limit=200)
    assert power.power(shift, 1.0, 2, alpha) == pytest.approx(truth, abs=1e-6)


def test_the_normal_equations_give_statsmodels_numbers():
    random, rows = np.random.default_rng(3), []
    for seed, init, relu in itertools.product(range(4), "xyz", "bc"):
        rows.append(("a", seed, init, relu, 0.5 + 0.1 * (init == "y") + random.normal() / 50, 1.0))
    table = runs(rows).drop(index=[3, 17])  # not balanced
    found = linear_model.estimates(table.assign(value=100 * table["accuracy"]), {"init": "x", "relu": "b"}, False)
    fitted = ols(
        "value ~ C(seed) + (C(init, Sum) + C(relu, Sum)) ** 2", table.assign(value=100 * table["accuracy"])
    ).fit()
    assert {one.df for one in found.values()} == {fitted.df_resid}
    # Sum coding: an effect is the mean over the other setting's choices, as ours.
    contrast = fitted.t_test("C(init, Sum)[S.y] - C(init, Sum)[S.x] = 0")
    assert (found["init", "y"].value, found["init", "y"].error) == pytest.approx(
        (contrast.effect[0], contrast.sd[0, 0])
    )
    relu = fitted.t_test("2 * C(relu, Sum)[S.b] = 0")
    assert (found["relu", "c"].value, found["relu", "c"].error) == pytest.approx((-relu.effect[0], relu.sd[0, 0]))
