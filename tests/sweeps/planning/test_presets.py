"""Presets: whole configurations by name, and how far frameworks lie apart under each."""

import numpy as np
import pandas as pd
import pytest

from adapters import ADAPTERS, load_spec
from adapters.contract.settings import FUNCTION
from adapters.networks import SETTINGS
from experiments.errors import SweepError
from sweeps.analysis import spread
from sweeps.console import Terminal
from sweeps.planning import config, planner
from sweeps.planning.designs import presets
from sweeps.reporting import tables
from sweeps.reporting.results import Results, summary
from tests.pages import page
from tests.plans import made_up

FILE = {
    "name": "side-by-side",
    "workload": {"name": "digits_cnn"},
    "adapters": ["reference", "pytorch", "cntk"],
    "design": "presets",
    "presets": ["native", "matched", "published"],
    "seeds": 2,
}
NETWORKS = [(name, model) for name in ADAPTERS for model in load_spec(name).models]


def parsed(**change):
    return config.parse({**FILE, **change}, "file.yaml")


@pytest.mark.parametrize(("name", "model"), NETWORKS)
def test_matched_leaves_nothing_that_changes_the_function_to_the_framework(name, model):
    row = presets.row("matched", load_spec(name), model, "cpu")
    assert isinstance(row, presets.Row), row
    function = {setting for setting in row.configuration if SETTINGS[setting].changes == FUNCTION}
    assert {setting: row.configuration[setting] for setting in function} == {s: SETTINGS[s].matched for s in function}


@pytest.mark.parametrize(("name", "model"), [one for one in NETWORKS if one[1] in load_spec(one[0]).published])
def test_a_published_row_is_one_that_the_adapter_can_run(name, model):
    row = presets.row("published", load_spec(name), model, "cuda")  # the notebooks ran on a GPU
    assert isinstance(row, presets.Row), row
    assert load_spec(name).published[model].notebook


def test_a_row_says_why_it_is_not_there():
    plan = planner.plan(parsed())
    assert ("reference", "preset", "published") == (
        plan.dropped[0].adapter,
        plan.dropped[0].setting,
        plan.dropped[0].choice,
    )
    assert "no cnn notebook" in plan.dropped[0].reason


def test_inert_settings_stay_native_and_a_row_that_is_there_twice_runs_once():
    plan = planner.plan(parsed())
    assert all(
        trial.configuration.get("autotune", "off") == "off" for trial in plan.order if trial.adapter == "pytorch"
    )
    assert {trial.configuration["momentum"] for trial in plan.order if trial.adapter == "cntk"} == {
        "unit_gain",
        "classical",
    }
    members = {(row["adapter"], row["preset"]): row["trials"] for row in plan.as_dict()["presets"]}
    assert members["cntk", "matched"] == members["cntk", "published"] != members["cntk", "native"]
    assert len({trial.identity for trial in plan.order}) == len(plan.order) == 2 * (2 + 3 + 2)
    assert {identity for trials in members.values() for identity in trials} == {trial.identity for trial in plan.order}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"presets": []}, "presets: list should have at least 1 item"),
        ({"design": "factorial"}, "presets is for design 'presets', but the design is 'factorial'; leave presets out"),
        ({"settings": {"init": ["native"]}}, "a preset is a whole configuration"),
        ({"presets": ["native", "default"]}, "presets.1: input should be 'native', 'matched' or 'published'"),
        ({"presets": ["native", "native"]}, "presets must not repeat"),
    ],
    ids=str,
)
def test_a_mistake_gets_one_clear_line(change, said):
    with pytest.raises(SweepError, match=said):
        parsed(**change)


def record(difference, noise, seeds=5):
    """Two presets of three frameworks; under the second one framework is `difference` points better."""
    random, rows, members = np.random.default_rng(1), [], []
    for preset in ("matched", "published"):
        for adapter in ("a", "b", "c"):
            trials = [f"{preset} {adapter} {seed}" for seed in range(seeds)]
            better = difference * (preset == "published" and adapter == "c")
            rows += [
                {
                    "trial": trial,
                    "adapter": adapter,
                    "seed": seed,
                    "outcome": "completed",
                    "accuracy": (80 + seed + better + noise * random.normal()) / 100,
                }
                for seed, trial in enumerate(trials)
            ]
            members.append((preset, trials))
    return pd.DataFrame(rows), members


def plan_of(members):
    presets = [{"adapter": trials[0].split()[1], "preset": preset, "trials": trials} for preset, trials in members]
    return made_up(design="presets", estimator="none", adapters=["a", "b", "c"], presets=presets, planned=30)


def test_the_spread_tells_frameworks_from_seeds():
    runs, members = record(difference=2.0, noise=0.3)
    matched, published = spread.spreads(spread.members(members, runs))
    # The seeds' own differences, one point from each to the next, are in every framework: they count for neither.
    assert matched.p_value > 0.05 and matched.apart < 0.5 and 0.15 < matched.seed_noise < 0.6
    assert published.p_value < 0.001 and 1.5 < published.apart < 2.5
    by_adapter = {
        row["adapter"]: row for row in spread.accuracies(spread.members(members, runs)) if row["preset"] == "published"
    }
    assert (
        by_adapter["c"]["accuracy"] - by_adapter["a"]["accuracy"] == pytest.approx(2.0, abs=0.5)
        and by_adapter["a"]["n"] == 5
    )


def test_equal_frameworks_are_told_apart_one_time_in_twenty():
    random, told, draws = np.random.default_rng(0), 0, 400
    for _ in range(draws):
        found = pd.DataFrame(
            [("p", adapter, seed, random.normal()) for adapter in "abcd" for seed in range(3)],
            columns=["preset", "adapter", "seed", "accuracy"],
        )
        told += spread.spreads(found)[0].p_value < 0.05
    assert 0.02 < told / draws < 0.09


def test_without_repetition_there_is_no_test():
    runs, members = record(2.0, 0.3, seeds=1)
    assert [one.p_value for one in spread.spreads(spread.members(members, runs))] == [None, None]
    assert spread.spreads(spread.members(members, pd.DataFrame())) == []


def test_the_report_shows_the_presets():
    runs, members = record(2.0, 0.3)
    made = Results("demo", "sqlite:///x", "demo", "abc", plan_of(members), runs.assign(error="", init="x"))
    shown = page(made)
    assert (
        "Accuracy of each adapter under each preset" in shown
        and "more than seed noise" in shown
        and "within seed noise" in shown
    )
    console = Terminal(record=True, file=open("/dev/null", "w"))
    console.print(*tables.tables(made))
    text = console.export_text()
    assert "published" in text
    assert summary(made)["spreads"][1]["p_value"] < 0.001


def test_the_terminal_says_where_there_is_one_seed_only():
    runs, members = record(2.0, 0.3, seeds=1)
    console = Terminal(record=True, file=open("/dev/null", "w"))
    console.print(*tables.tables(Results("demo", "u", "demo", "r", plan_of(members), runs)))
    assert "[one seed]" in console.export_text()  # brackets are no markup
