"""Helpers for tests of plans."""

from sweeps.planning.plan import Plan


def rows(plan):
    """The trials of a plan without the A/A arm."""
    return [trial for trial in plan.order if not trial.repeat]


def cells(plan, adapter, seed=0):
    """An adapter's configurations in one block."""
    return [trial.configuration for trial in rows(plan) if trial.adapter == adapter and trial.seed == seed]


def steps(path):
    """{setting: (own choice, the other adapter's choice)} of a path."""
    return {step.setting: (step.own, step.other) for step in path.steps}


def made_up(**change):
    """A synthetic plan: two seeds of one adapter, without trials. change: fields to replace."""
    fields = {
        "sweep": "demo",
        "workload": {"name": "w", "dataset": "d", "epochs": 2, "train_examples": None},
        "design": "one-at-a-time",
        "estimator": "paired",
        "device": "cpu",
        "seeds": [0, 1],
        "adapters": ["pytorch"],
        "smallest_effect": {"accuracy": 0.5, "time": 3.0},
        "varied": [],
        "unverified": [],
        "planned": 0,
        "sampled": False,
        "trials": [],
        "dropped": [],
        "collapsed": [],
        **change,
    }
    return Plan.model_validate({"natives": {name: {} for name in fields["adapters"]}, **fields})
