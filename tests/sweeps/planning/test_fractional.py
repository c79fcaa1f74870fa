"""Fractional designs against what textbooks say of them, and what a plan shows of one."""

from collections import Counter
from itertools import combinations

import numpy as np
import pyDOE3
import pytest
import yaml
from click.testing import CliRunner

from experiments.errors import SweepError
from sweeps.cli import main
from sweeps.planning import config, planner, power
from sweeps.planning.designs import fractional as fractions
from tests.plans import rows as designed

SETTINGS = {
    "init": ["native", "uniform_007"],
    "bias_init": ["zeros", "fan_in_uniform"],
    "relu": ["native", "after_pool"],
    "momentum": ["native", "unit_gain"],
    "loss": ["native", "softmax_twice"],
}
FILE = {
    "name": "screening",
    "workload": {"name": "digits_cnn"},
    "adapters": ["pytorch"],
    "design": "fractional",
    "settings": SETTINGS,
    "seeds": 1,
}


def parsed(**change):
    return config.parse({**FILE, **change}, "file.yaml")


def some(count):
    return dict(list(SETTINGS.items())[:count])


def lengths(rows):
    """{length of a word: how many}: the pattern by which textbooks rank designs."""
    count, settings = rows.shape
    sizes = range(1, settings + 1)
    words = [
        size
        for size in sizes
        for word in combinations(range(settings), size)
        if abs(rows[:, word].prod(axis=1).sum()) == count
    ]
    return dict(Counter(words))


# Table of fractions: Box, Hunter and Hunter, Statistics for Experimenters.
# Patterns of minimum aberration: Fries and Hunter 1980.
@pytest.mark.parametrize(
    ("settings", "wanted", "runs", "pattern"),
    [
        (3, 3, 4, {3: 1}),
        (7, 3, 8, {3: 7, 4: 7, 7: 1}),
        (15, 3, 16, None),
        (4, 4, 8, {4: 1}),
        (6, 4, 16, {4: 3}),
        (7, 4, 16, {4: 7}),
        (8, 4, 16, {4: 14, 8: 1}),
        (9, 4, 32, {4: 6, 5: 8, 8: 1}),
        (10, 4, 32, {4: 10, 5: 16, 8: 5}),
        (16, 4, 32, None),
        (5, 5, 16, {5: 1}),
        (8, 5, 64, {5: 2, 6: 1}),
        (10, 5, 128, {5: 3, 6: 3, 7: 1}),
        (11, 5, 128, None),
    ],
)
def test_the_fractions_of_the_textbooks(settings, wanted, runs, pattern):
    rows = fractions.fraction(settings, wanted)
    assert rows.shape == (runs, settings) and len(np.unique(rows, axis=0)) == runs
    assert set(rows.flat) == {-1, 1} and (rows == -1).all(axis=1).any()  # the native row is among them
    assert fractions.resolution(rows) >= wanted and fractions.balanced(rows)
    assert pattern is None or lengths(rows) == pattern


@pytest.mark.parametrize(("settings", "wanted"), [(1, 3), (2, 3), (3, 4), (3, 5), (4, 5)])
def test_where_nothing_is_saved_it_is_the_full_factorial(settings, wanted):
    rows = fractions.fraction(settings, wanted)
    assert len(np.unique(rows, axis=0)) == len(rows) == 2**settings
    assert fractions.resolution(rows) is None and fractions.aliases(rows, list("abcd")[:settings]) == []


@pytest.mark.parametrize(("settings", "wanted", "got"), [(7, 5, 4), (8, 5, 4), (9, 5, 4), (10, 5, 4), (16, 4, 3)])
def test_pydoe3_promises_more_than_it_keeps(settings, wanted, got):
    assert fractions.resolution(pyDOE3.fracfact_by_res(settings, wanted)) == got
    assert fractions.resolution(fractions.fraction(settings, wanted)) >= wanted


def test_the_half_of_two_to_the_third_takes_each_effect_for_the_interaction_of_the_others():
    rows = fractions.fraction(3, 3)
    assert fractions.aliases(rows, ["a", "b", "c"]) == [["a", "b:c"], ["b", "a:c"], ["c", "a:b"]]


def test_resolution_four_aliases_interactions_with_each_other_alone():
    found = fractions.aliases(fractions.fraction(4, 4), ["a", "b", "c", "d"])
    assert found == [["a:b", "c:d"], ["a:c", "b:d"], ["a:d", "b:c"]]
    assert fractions.aliases(fractions.fraction(8, 5), list("abcdefgh")) == []


def test_a_setting_that_never_changes_is_the_mean_and_two_that_change_together_are_one():
    rows = np.array([[-1, -1, -1], [-1, 1, 1]])
    assert fractions.resolution(rows) == 1 and not fractions.balanced(rows)
    assert fractions.aliases(rows, ["a", "b", "c"]) == [["mean", "a", "b:c"], ["b", "c", "a:b", "a:c"]]


@pytest.mark.parametrize("settings", [3, 5, 7])
def test_folding_makes_a_design_of_resolution_three_one_of_four(settings):
    rows = fractions.fraction(settings, 3)
    folded = fractions.folded(rows)
    assert fractions.resolution(rows) == 3 and fractions.resolution(folded) in (4, None)
    assert len(folded) == 2 * len(rows) and {tuple(row) for row in folded} == {
        tuple(sign * row) for row in rows for sign in (1, -1)
    }
    assert len(fractions.folded(folded)) == len(folded)  # no row twice


def test_a_plan_shows_what_its_rows_cant_tell_apart():
    planned = planner.plan(parsed())
    assert len(designed(planned)) == 16 and planned.as_dict()["aliases"] == {
        "pytorch": {"resolution": 5, "balanced": True, "aliases": []}
    }
    planned = planner.plan(parsed(settings=some(3), resolution=3)).as_dict()
    assert (
        planned["aliases"]["pytorch"]["aliases"][0] == ["init", "bias_init:relu"] and planned["planned"] == 4 + 1
    )  # one row twice
    rows = [trial["settings"] for trial in planned["trials"] if "repeat" not in trial]
    assert planned["natives"]["pytorch"] in rows
    assert all(sum(row["init"] == choice for row in rows) == 2 for choice in ("fan_in_uniform", "uniform_007"))


def test_foldover_runs_the_mirrored_rows_too():
    planned = planner.plan(parsed(settings=SETTINGS, resolution=3, foldover=True))
    assert len(designed(planned)) == 16 and planned.aliases["pytorch"].resolution == 4
    natives = planned.as_dict()["natives"]["pytorch"]
    rows = [tuple(trial.configuration[name] != natives[name] for name in SETTINGS) for trial in designed(planned)]
    assert {tuple(not flipped for flipped in row) for row in rows} == set(rows)


def test_each_adapter_has_the_design_of_the_settings_that_vary_there():
    settings = {**some(4), "layout": ["nchw", "nhwc"], "autotune": ["off", "on"]}
    planned = planner.plan(parsed(adapters=["pytorch", "chainer"], settings=settings))
    counted = Counter(trial.adapter for trial in designed(planned))
    assert counted == {
        "pytorch": 16,
        "chainer": 8,
    }  # five settings and four: Chainer has one layout, and autotune is inert
    assert {name: found.resolution for name, found in planned.aliases.items()} == {"pytorch": 5, "chainer": 4}


def test_native_stands_for_its_choice_so_that_three_may_be_two():
    settings = {"init": ["native", "fan_in_uniform", "uniform_007"]}
    assert len(designed(planner.plan(parsed(settings=settings)))) == 2
    with pytest.raises(
        SweepError, match=r"settings.init has 3 choices in chainer .*takes two at most: leave out all but two"
    ):
        planner.plan(parsed(adapters=["pytorch", "chainer"], settings=settings))


def test_rows_that_conflict_are_dropped_and_the_plan_says_what_that_costs():
    settings = {"layout": ["nhwc", "nchw"], "compile": ["graph", "eager"], **some(3)}
    planned = planner.plan(parsed(adapters=["tensorflow"], settings=settings))
    assert len(designed(planned)) == 12 and "not with compile=eager" in planned.dropped[0].reason
    assert not any(
        {"layout": "nchw", "compile": "eager"}.items() <= trial.configuration.items() for trial in designed(planned)
    )
    assert not planned.aliases["tensorflow"].balanced


def test_an_adapter_without_a_row_that_works_has_no_aliases():
    settings, fixed = some(2), {"compile": "eager", "layout": "nchw"}
    planned = planner.plan(parsed(adapters=["tensorflow", "pytorch"], settings=settings, fixed=fixed))
    assert list(planned.aliases) == ["pytorch"] and {trial.adapter for trial in designed(planned)} == {"pytorch"}
    assert list(power.of_plan(planned, {})) == ["pytorch"]


def test_the_terminal_says_what_is_aliased(tmp_path):
    path = tmp_path / "sweep.yaml"
    settings = {"layout": ["nhwc", "nchw"], "compile": ["graph", "eager"], "init": SETTINGS["init"]}
    content = {**FILE, "adapters": ["pytorch", "tensorflow"], "settings": settings, "resolution": 3}
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    shown = CliRunner().invoke(main, ["plan", str(path)]).output
    aliases = "layout = compile:init, compile = layout:init, init = layout:compile"
    assert f"aliased: pytorch, tensorflow: resolution 3: {aliases}\n" in shown
    assert "unbalanced: tensorflow: " in shown
