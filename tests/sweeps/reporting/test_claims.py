"""Claims: the verdict for each kind of evidence, the shipped file, invalid files, and one run up to its ledger."""

import json
import subprocess
import sys

import pytest
import yaml

from experiments.errors import SweepError
from experiments.locations import PROJECT
from sweeps.planning import planner
from sweeps.reporting import claims
from sweeps.reporting.claims import CONTRADICTED, GONE, INERT, REPRODUCED, TOO_SMALL, Claim

CLAIM = {
    "lesson": "6",
    "published": "softmax twice costs accuracy",
    "sweep": "s",
    "setting": "loss",
    "choice": "softmax_twice",
    "baseline": "logits",
    "metric": "accuracy",
    "direction": "less",
}
TINY = {"name": "digits_cnn", "epochs": 1, "filters": [4, 8], "hidden": 16, "train_examples": 128}
FILE = {
    "source": "somebody",
    "sweeps": [
        {
            "name": "s",
            "workload": TINY,
            "adapters": ["reference"],
            "design": "one-at-a-time",
            "seeds": 2,
            "settings": {"loss": ["logits", "softmax_twice"], "autotune": ["off", "on"]},
        }
    ],
    "claims": [{**CLAIM, "adapter": "reference"}],
}


def summary(low, high, verdict="undecided", **change):
    effect = {
        "setting": "loss",
        "choice": "softmax_twice",
        "baseline": "logits",
        "metric": "accuracy",
        "adapter": "all",
        "n": 6,
        "estimate": None if low is None else (low + high) / 2,
        "low": low,
        "high": high,
        "verdict": verdict,
        "more_seeds": 7,
    }
    return {"effects": [effect], "adapters": [{"name": "a"}, {"name": "b"}], "collapsed": [], "dropped": [], **change}


@pytest.mark.parametrize(
    ("direction", "low", "high", "verdict", "ruled"),
    [
        ("less", -3.0, -1.0, "matters", REPRODUCED),
        ("less", -3.0, -0.1, "undecided", REPRODUCED),
        ("less", 1.0, 3.0, "matters", CONTRADICTED),
        ("less", -0.2, 0.2, "negligible", CONTRADICTED),
        ("less", -0.3, -0.1, "negligible", CONTRADICTED),
        ("less", -3.0, 1.0, "undecided", TOO_SMALL),
        ("more", -3.0, -1.0, "matters", CONTRADICTED),
        ("more", 1.0, 3.0, "matters", REPRODUCED),
        ("different", 1.0, 3.0, "matters", REPRODUCED),
        ("different", -3.0, -1.0, "matters", REPRODUCED),
        ("different", -0.2, 0.2, "negligible", CONTRADICTED),
        ("same", -0.2, 0.2, "negligible", REPRODUCED),
        ("same", 1.0, 3.0, "matters", CONTRADICTED),
        ("same", -3.0, 3.0, "undecided", TOO_SMALL),
        ("less", None, None, "undecided", TOO_SMALL),
    ],
)
def test_each_kind_of_evidence(direction, low, high, verdict, ruled):
    found = claims.judge(Claim(**{**CLAIM, "direction": direction}), summary(low, high, verdict))
    assert found.verdict == ruled and (found.more_seeds == 7) == (ruled == TOO_SMALL)


def test_the_size_is_held_against_the_published_one():
    sizes = {
        effect: claims.judge(Claim(**CLAIM, effect=effect), summary(-3.0, -1.0, "matters")).size
        for effect in (-2.0, -9.0, -0.5)
    }
    assert sizes == {-2.0: "as published", -9.0: "smaller than published", -0.5: "larger than published"}


def test_what_can_not_be_measured_says_why():
    inert = [{"adapter": name, "setting": "loss", "kept": "logits", "reason": "no cuDNN"} for name in "ab"]
    gone = [
        {"adapter": name, "setting": "loss", "choice": "softmax_twice", "reason": "removed in 2.0"} for name in "ab"
    ]
    ruled = {}
    for name, change in (("inert", {"collapsed": inert}), ("gone", {"dropped": gone}), ("half", {"dropped": gone[:1]})):
        found = claims.judge(Claim(**CLAIM), {**summary(0, 0), "effects": [], **change})
        ruled[name] = (found.verdict, found.reason)
    assert ruled["inert"] == (INERT, "no cuDNN") and ruled["gone"] == (GONE, "removed in 2.0")
    assert ruled["half"][0] == TOO_SMALL and "no two runs to compare" in ruled["half"][1]


def test_the_file_that_ships_names_comparisons_that_will_be_there():
    declared = claims.load(PROJECT / "sweeps" / "configs" / "claims.yaml")
    for claim in declared.claims:
        plan = planner.plan(declared.sweeps[claim.sweep])
        adapters = declared.sweeps[claim.sweep].adapters if claim.adapter == "all" else [claim.adapter]
        collapsed = {(row.adapter, row.setting) for row in plan.collapsed}
        there = [
            {trial.settings[claim.setting] for trial in plan.trials if trial.adapter == name}
            >= {claim.choice, claim.baseline}
            or (name, claim.setting) in collapsed
            for name in adapters
        ]
        assert any(there) if claim.adapter == "all" else all(there), claim


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"claims": []}, "claims: list should have at least 1 item"),
        ({"sweeps": [{"name": "s"}]}, "key 'workload' is missing"),
        ({"claims": [{**CLAIM, "sweep": "t"}]}, "unknown sweep 't'"),
        ({"claims": [{**CLAIM, "setting": "init"}]}, "unknown setting of its sweep 'init'"),
        ({"claims": [{**CLAIM, "choice": "twice"}]}, "unknown choice for loss 'twice'"),
        ({"claims": [{**CLAIM, "adapter": "cntk"}]}, "unknown adapter of its sweep 'cntk'"),
        (
            {"claims": [{**CLAIM, "direction": "up"}]},
            "claims.0.direction: input should be 'more', 'less', 'different' or 'same'",
        ),
        ({"claims": [{**CLAIM, "colour": "red"}]}, "unknown key 'colour'"),
        ({"lessons": []}, "unknown key 'lessons'"),
    ],
    ids=str,
)
def test_a_file_that_is_wrong_is_one_clear_line(tmp_path, change, said):
    path = tmp_path / "claims.yaml"
    path.write_text(yaml.safe_dump({**FILE, **change}))
    with pytest.raises(SweepError) as caught:
        claims.load(path)
    assert said in str(caught.value) and "\n" not in str(caught.value) and str(path) in str(caught.value)


@pytest.mark.xdist_group("ray")
def test_from_the_file_to_the_ledger(tmp_path, certify):
    certify("reference")
    path = tmp_path / "claims.yaml"
    path.write_text(
        yaml.safe_dump(
            {
                **FILE,
                "claims": [
                    {**CLAIM, "adapter": "reference"},
                    {**CLAIM, "setting": "autotune", "choice": "on", "baseline": "off"},
                ],
            }
        )
    )
    command = [sys.executable, str(PROJECT / "sweep.py"), "claims", str(path), "--home", str(tmp_path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stderr
    findings = json.loads(done.stdout)["findings"]
    assert findings[0]["n"] == 2 and findings[0]["low"] is not None and findings[0]["claim"]["lesson"] == "6"
    assert findings[1]["verdict"] == GONE and findings[1]["reason"]
    ledger = (tmp_path / "claims.md").read_text()
    assert "softmax twice costs accuracy" in ledger and GONE in ledger and "s: 6 trials" in ledger
