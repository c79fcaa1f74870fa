"""Paths between two adapters: which settings are walked, in which orders, and which rows that takes."""

from itertools import permutations, product
from math import factorial

import pytest
import yaml
from click.testing import CliRunner

from adapters import load_spec
from adapters.contract.spec import Conflict
from experiments.errors import SweepError
from sweeps.cli import main
from sweeps.planning import config, planner
from sweeps.planning.designs import path as paths
from tests.plans import cells, rows, steps

FILE = {
    "name": "gap",
    "workload": {"name": "digits_cnn"},
    "adapters": ["lasagne", "caffe2"],
    "design": "path",
    "seeds": 2,
}
FIXED = {"precision": "float32", "input_gradient": "skipped"}


def parsed(**change):
    return config.parse({**FILE, **change}, "file.yaml")


def test_two_steps_are_walked_through_all_four_rows():
    planned = planner.plan(parsed(fixed=FIXED))  # a fixed setting is the same in both: no step
    own, target = ({**load_spec(name).native("cnn"), **FIXED} for name in FILE["adapters"])
    path = planned.as_dict()["path"]
    assert (path["from"], path["to"]) == ("lasagne", "caffe2")
    assert path["steps"] == [
        {"setting": "init", "from": "glorot_uniform", "to": "lecun_uniform"},
        {"setting": "nesterov", "from": "off", "to": "on"},
    ]
    assert path["walks"] == [["init", "nesterov"], ["nesterov", "init"]]
    walked = [
        own | dict(zip(("init", "nesterov"), pair))
        for pair in product(("glorot_uniform", "lecun_uniform"), ("off", "on"))
    ]
    assert sorted(cells(planned, "lasagne"), key=str) == sorted(walked, key=str)
    assert cells(planned, "caffe2") == [target]
    assert len(rows(planned)) == 2 * (4 + 1) and planned.as_dict()["varied"] == ["init", "nesterov"]


def test_up_to_four_steps_are_walked_in_every_order():
    names = ["init", "loss", "relu", "labels"]
    assert sorted(paths.walks(names, 6, "x")) == sorted(permutations(names))
    walked = paths.distinct(
        [
            row
            for walk in paths.walks(names, 6, "x")
            for row in paths.along(walk, dict.fromkeys(names, "a"), dict.fromkeys(names, ("a", "b")))
        ]
    )
    assert len(walked) == 2**4
    assert paths.walks([], 6, "x") == [()] and paths.along((), {"init": "a"}, {}) == [{"init": "a"}]


def test_more_steps_are_walked_in_random_orders_and_each_backwards():
    names = ["init", "loss", "relu", "labels", "layout"]
    found = paths.walks(names, 6, "name")
    assert len(set(found)) == 12 and all(sorted(walk) == sorted(names) for walk in found)
    assert all(first == tuple(reversed(second)) for first, second in zip(found[::2], found[1::2]))
    assert found == paths.walks(names, 6, "name") != paths.walks(names, 6, "another")
    assert len(set(paths.walks(names, 1000, "name"))) == factorial(5)  # there are no more


def test_rows_that_walks_share_run_once_and_each_walk_leads_to_the_other_choices():
    planned = planner.plan(parsed(adapters=["pytorch", "cntk"], permutations=3, seeds=1))
    path, own = planned.path, cells(planned, "pytorch")
    assert len(path.walks) == 6 and len(path.steps) == 5
    start = load_spec("pytorch").native("cnn")
    on = [row for walk in path.walks for row in paths.along(walk, start, steps(path))]
    assert len(own) < len(on) and sorted(own, key=str) == sorted(paths.distinct(on), key=str)
    end = start | {name: load_spec("cntk").native("cnn")[name] for name in steps(path)}
    assert all(paths.along(walk, start, steps(path))[-1] == end for walk in path.walks)
    assert len(cells(planned, "cntk")) == 1


def test_what_cant_be_walked_is_said_with_the_reason():
    planned = planner.plan(parsed(adapters=["chainer", "tensorflow"]))
    said = {(row.adapter, row.setting, row.choice): row.reason for row in planned.dropped}
    # Chainer can't have TensorFlow's choices of these.
    refused = {("chainer", "layout", "nhwc"), ("chainer", "compile", "graph"), ("chainer", "cpu_kernels", "onednn")}
    assert set(said) == refused and all(said.values())
    assert [(row.adapter, row.setting) for row in planned.collapsed] == [
        ("chainer", "autotune"),
        ("tensorflow", "winograd"),
    ]
    assert list(steps(planned.path)) == ["init"]
    back = planner.plan(parsed(adapters=["tensorflow", "chainer"]))
    assert [(row.adapter, row.setting, row.choice) for row in back.dropped] == [
        ("chainer", "cpu_kernels", "onednn"),
        ("chainer", "compile", "graph"),
    ]
    assert list(steps(back.path)) == ["layout", "init"]  # TensorFlow can have Chainer's layout


def test_what_makes_no_difference_on_this_device_is_no_part_of_the_gap():
    planned = planner.plan(parsed(adapters=["reference", "chainer"]))  # NumPy has no autotune, but on a CPU nobody has
    assert [(row.adapter, row.setting) for row in planned.collapsed] == [("chainer", "autotune")]
    assert "autotune" not in [row.setting for row in planned.dropped]
    planned = planner.plan(parsed(adapters=["reference", "chainer"], resources={"num_gpus": 1}))
    assert ("reference", "autotune", "off") in [(row.adapter, row.setting, row.choice) for row in planned.dropped]


def test_on_a_gpu_what_is_inert_on_a_cpu_is_walked():
    planned = planner.plan(parsed(adapters=["pytorch", "cntk"], resources={"num_gpus": 1}))
    assert "autotune" in steps(planned.path) and [row.setting for row in planned.collapsed] == ["cpu_kernels"]


def test_walks_pass_by_what_conflicts(monkeypatch):
    conflict = Conflict({"init": "glorot_uniform", "momentum": "classical"}, "so it is")
    monkeypatch.setattr(
        config, "load_spec", lambda name: load_spec(name)._replace(conflicts=(conflict,) * (name == "pytorch"))
    )
    planned = planner.plan(parsed(adapters=["pytorch", "cntk"], fixed={"bias_init": "zeros", "labels": "sparse"}))
    assert len(planned.path.walks) == 3 and all(
        walk.index("momentum") < walk.index("init") for walk in planned.path.walks
    )
    assert len(cells(planned, "pytorch")) == 8 - 2
    assert "not with momentum=classical: so it is" in [row.reason for row in planned.dropped]


def test_a_path_whose_end_conflicts_is_refused():
    with pytest.raises(
        SweepError,
        match=r"no way from tensorflow to pytorch: tensorflow can't have layout=nchw and compile=eager .*in fixed",
    ):
        planner.plan(parsed(adapters=["tensorflow", "pytorch"]))


def test_adapters_that_do_not_differ_are_two_rows():
    same = dict(load_spec("keras2-cntk").native("cnn"))
    fixed = {
        name: choice
        for name, choice in same.items()
        if name in ("layout", "precision", "init", "loss", "labels", "compile")
    }
    planned = planner.plan(parsed(adapters=["keras2-cntk", "keras2-theano"], fixed=fixed))
    assert planned.path.steps == [] and planned.path.walks == [[]] and len(rows(planned)) == 2 * 2


def test_the_terminal_shows_the_path(tmp_path):
    path = tmp_path / "sweep.yaml"
    path.write_text(yaml.safe_dump({**FILE, "fixed": FIXED}))
    shown = CliRunner().invoke(main, ["plan", str(path)]).output
    assert "path: lasagne -> caffe2 in 2 orders: init glorot_uniform -> lecun_uniform, nesterov off -> on\n" in shown
