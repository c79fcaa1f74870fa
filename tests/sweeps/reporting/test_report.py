"""The report: what programs read, what people see, and that nothing in it can harm them."""

import json
import re
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from adapters.networks import SETTINGS
from experiments.trials.trial import OUTCOMES, PRUNED
from sweeps.reporting import tables
from sweeps.reporting.results import Results, summary
from tests.pages import page, pictures
from tests.plans import made_up

HOSTILE = "<script>alert(1)</script>"
ADAPTERS = ["pytorch", "tensorflow", "chainer"]
NATIVE = {name: list(setting.choices)[0] for name, setting in SETTINGS.items()}


def record(seeds=3, error="", **plan):
    random, rows = np.random.default_rng(0), []
    for adapter in ADAPTERS:
        for seed in range(seeds):
            for init in list(SETTINGS["init"].choices)[:2]:
                metrics = {
                    "step_ms_median": 5 + random.random(),
                    "train_seconds": 3 + random.random(),
                    "total_seconds": 9.0,
                }
                accuracy = 0.7 + 0.05 * (init != NATIVE["init"]) + 0.01 * random.random()
                rows.append(
                    {
                        "adapter": adapter,
                        "seed": seed,
                        "outcome": "completed",
                        "error": "",
                        **NATIVE,
                        "init": init,
                        "accuracy": accuracy,
                        **metrics,
                    }
                )
    rows[0] |= {"outcome": "failed", "error": error, "accuracy": np.nan, "step_ms_median": np.nan}
    planned = {
        "seeds": list(range(seeds)),
        "adapters": ADAPTERS,
        "natives": {name: NATIVE for name in ADAPTERS},
        "varied": ["init"],
        "unavailable": {"cntk": "needs Python 3.6"},
        "planned": len(rows) + 2,
        "dropped": [{"adapter": "chainer", "setting": "layout", "choice": "nhwc", "reason": "channels first only"}],
        "collapsed": [{"adapter": "pytorch", "setting": "autotune", "kept": "off", "reason": "no cuDNN"}],
    }
    return Results("demo", "sqlite:///x", "demo", "abc", made_up(**{**planned, **plan}), pd.DataFrame(rows))


def test_the_summary_has_what_programs_need():
    found = summary(record())
    assert {"sweep", "tracking_uri", "experiment", "outcomes", "adapters", "effects"} <= set(found)
    assert found["outcomes"] == {"completed": 17, "diverged": 0, "failed": 1} and {*found["outcomes"], PRUNED} == set(
        OUTCOMES
    )
    keys = {
        "setting",
        "choice",
        "baseline",
        "metric",
        "adapter",
        "estimate",
        "low",
        "high",
        "n",
        "p_value",
        "verdict",
        "more_seeds",
    }
    assert found["effects"] and all(set(effect) == keys for effect in found["effects"])
    overall = next(e for e in found["effects"] if (e["adapter"], e["metric"]) == ("all", "accuracy"))
    assert 4.0 < overall["estimate"] < 6.0 and overall["low"] < 5.0 < overall["high"] and overall["n"] == 8
    json.dumps(found, allow_nan=False)


def test_the_page_answers_first_and_needs_no_network():
    shown = page(record())
    text = re.sub(r"<script>.*?</script>", "", shown, flags=re.S)
    assert (
        text.index("Recommended changes")
        < text.index("Confirmed effects")
        < text.index("Effects over all adapters")
        < text.index("How to read this report")
    )
    assert "gains 5." in text or "gains 4." in text
    assert "channels first only" in text and "no cuDNN" in text
    assert "2 of 20 trials are missing" in text and "skipped on this machine" in text and "needs Python 3.6" in text
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", text)
    assert len(shown) < 5_000_000


def test_nothing_hostile_gets_through():
    hostile = record(error=HOSTILE)
    adapters = ["pytorch", "tensorflow", HOSTILE]
    plan = hostile.plan.model_copy(update={"adapters": adapters, "natives": dict.fromkeys(adapters, NATIVE)})
    renamed = replace(hostile, runs=hostile.runs.replace("chainer", HOSTILE), sweep=HOSTILE, plan=plan)
    assert HOSTILE not in page(renamed)


def test_without_anything_to_compare_it_says_so():
    empty = record()
    for bare, drawn in (
        (replace(empty, runs=pd.DataFrame()), []),
        (record(varied=[]), []),
        (record(design="search", estimator="none", sampled=True), ["pareto.png"]),
    ):
        assert "no comparison to draw" in page(bare) and summary(bare)["effects"] == []
        assert list(pictures(bare)) == drawn


def test_figures_are_pictures():
    found = pictures(record())
    assert set(found) == {"forest_accuracy.png", "forest_time.png", "heat_map.png", "pareto.png"}
    assert all(picture.startswith(b"\x89PNG") for picture in found.values())


@pytest.mark.parametrize("columns", [80, 100])
def test_the_terminal_table_shows_every_word_whole(columns):
    from sweeps.console import Terminal

    console = Terminal(record=True, file=open("/dev/null", "w"))
    console.width = columns
    console.print(tables.table(record()))
    text = console.export_text()
    assert "init: " + list(SETTINGS["init"].choices)[1] in text and "pytorch" in text and "all" in text
    assert max(map(len, text.splitlines())) <= columns and "…" not in text


def test_a_thousand_runs_take_seconds():
    big = record(seeds=170)
    start = time.perf_counter()
    page(big)
    assert len(big.runs) > 1000 and time.perf_counter() - start < 10


def test_a_search_says_what_its_accuracies_hang_on():
    random, rows = np.random.default_rng(0), []
    for _ in range(24):
        init, relu = (list(SETTINGS[name].choices)[random.integers(2)] for name in ("init", "relu"))
        accuracy = 0.5 + 0.3 * (init != NATIVE["init"]) + 0.001 * random.random()
        rows.append(
            {
                "adapter": "pytorch",
                "seed": 0,
                "outcome": "completed",
                "error": "",
                **NATIVE,
                "init": init,
                "relu": relu,
                "accuracy": accuracy,
            }
        )
    rows += [{**rows[0], "adapter": "chainer"}] * 3  # too few
    searched = replace(
        record(design="search", estimator="none", sampled=True, varied=["init", "relu", "loss"]),
        runs=pd.DataFrame(rows),
    )
    shares = {(one["adapter"], one["setting"]): one["share"] for one in summary(searched)["importances"]}
    assert list(shares) == [("pytorch", "init"), ("pytorch", "relu")] and shares["pytorch", "init"] > 0.9
    assert "fANOVA" in page(searched) and summary(record())["importances"] == []
