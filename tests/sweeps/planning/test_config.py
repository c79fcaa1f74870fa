"""Sweep files: the ones that ship are valid, and each mistake gets one clear line with the choices."""

import pytest
import yaml

from experiments.errors import SweepError
from experiments.locations import PROJECT
from sweeps.planning import config, planner
from tests.plans import cells, rows

GOOD = {
    "name": "good",
    "workload": {"name": "digits_cnn"},
    "adapters": ["reference", "pytorch"],
    "design": "one-at-a-time",
    "settings": {"init": ["native", "glorot_uniform"]},
    "seeds": 2,
}
FRACTIONAL = {"design": "fractional"}
PATH = {"design": "path", "adapters": ["lasagne", "caffe2"], "settings": {}}


@pytest.mark.parametrize(
    "path",
    sorted(set((PROJECT / "sweeps" / "configs").glob("*.yaml")) - {PROJECT / "sweeps" / "configs" / "claims.yaml"}),
    ids=lambda path: path.stem,
)
def test_the_sweeps_that_ship_are_valid(path):
    planned = planner.plan(config.load(path))
    assert planned.planned and (planned.trials or planned.sampled)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"adapters": ["pytroch"]}, "unknown adapter 'pytroch'. Did you mean 'pytorch'.*Choices: reference, pytorch"),
        ({"adapters": []}, "adapters: list should have at least 1 item"),
        ({"adapters": ["pytorch", "pytorch"]}, "adapters must not repeat"),
        ({"settings": {"reset": ["native"]}}, "unknown setting of a cnn workload 'reset'"),
        (
            {"workload": {"name": "digits_cnn", "embedding": 3}},
            "workload digits_cnn: unknown key 'embedding'.*filters",
        ),
        ({"setings": {}}, "unknown key 'setings'. Did you mean 'settings'"),
        (
            {"workload": {"name": "digits_cnn", "epoch": 3}},
            "workload digits_cnn: unknown key 'epoch'. Did you mean 'epochs'",
        ),
        ({"workload": {"name": "mnist"}}, "unknown workload 'mnist'.*digits_cnn"),
        (
            {"workload": {"name": "digits_cnn", "epochs": 0}},
            "workload.epochs: input should be greater than 0, but got 0",
        ),
        ({"workload": "digits_cnn"}, "workload:.*digits_cnn"),
        ({"workload": {"name": "digits_cnn", "filters": [4]}}, "workload digits_cnn: key 'filters.1' is missing"),
        ({"workload": {"name": "digits_cnn", "filters": [4, 0]}}, "filters.1: input should be greater than 0"),
        ({"workload": {"name": "digits_cnn", "hidden": True}}, "hidden: input should be a valid integer, but got True"),
        ({"settings": {"inti": ["native"]}}, "unknown setting of a cnn workload 'inti'. Did you mean 'init'"),
        ({"settings": {"init": ["glorot"]}}, "unknown choice for init 'glorot'.*glorot_uniform.*native"),
        (
            {"settings": {"autotune": [False, "native"]}},
            r'settings.autotune: YAML reads an unquoted on or off as a boolean; quote the choice: \["off", native\]',
        ),
        ({"fixed": {"autotune": True}}, 'fixed.autotune: YAML reads .* quote the choice: "on"'),
        ({"settings": {"autotune": [1]}}, "settings.autotune.0: input should be a valid string"),
        ({"settings": {"init": []}}, "settings.init must list choices"),
        ({"settings": {"init": ["native", "native"]}}, "without repeating"),
        ({"fixed": {"init": "native"}}, "'init' is in settings and in fixed"),
        (
            {"design": "full"},
            "unknown design 'full'. Choices: one-at-a-time, factorial, fractional, path, presets, search",
        ),
        ({"design": "search"}, "key 'trials' is missing: Number of configurations to sample"),
        ({"trials": 4}, "trials is for design 'search'"),
        ({"seeds": [-1]}, "seeds must be whole numbers from 0"),
        ({"seeds": [1, 1]}, "seeds must not repeat"),
        ({"seeds": 0}, "seeds"),
        ({"name": "../etc"}, "name: string should match pattern"),
        ({"resources": {"num_gpus": -1}}, "resources.num_gpus: input should be greater than or equal to 0"),
        ({"resources": {"gpus": 1}}, "unknown key 'gpus'. Did you mean 'num_gpus'"),
        ({7: "x"}, "every key must be a word"),
        ({**FRACTIONAL, "resolution": 6}, "resolution: input should be 3, 4 or 5, but got 6"),
        ({**FRACTIONAL, "foldover": "yes"}, "foldover: input should be a valid boolean"),
        (
            {"design": "factorial", "resolution": 4},
            "resolution is for design 'fractional', but the design is 'factorial'; leave resolution out",
        ),
        ({"design": "one-at-a-time", "foldover": False}, "foldover is for design 'fractional'"),
        ({**PATH, "adapters": ["pytorch"]}, r"adapters must list two, but got \['pytorch'\]"),
        ({**PATH, "adapters": ["pytorch", "cntk", "jax"]}, "adapters must list two"),
        (
            {**PATH, "settings": {"init": ["native"]}},
            "walks every setting in which its two adapters differ; leave settings out",
        ),
        ({**PATH, "permutations": 0}, "permutations: input should be greater than 0"),
        (
            {"design": "factorial", "permutations": 3},
            "permutations is for design 'path', but the design is 'factorial'",
        ),
        ({**PATH, "resolution": 4}, "resolution is for design 'fractional'"),
        ({**PATH, "presets": ["native"]}, "presets is for design 'presets', but the design is 'path'"),
        ({"workload": {}}, "key 'workload.name' is missing: The workload"),
        ({"design": ["factorial"]}, "design: input should be a valid string"),
        ({**PATH, "trials": 3}, "trials is for design 'search'"),
    ],
    ids=str,
)
def test_a_mistake_gets_one_clear_line(change, said):
    with pytest.raises(SweepError, match=said) as caught:
        config.parse({**GOOD, **change}, "file.yaml")
    assert "\n" not in str(caught.value) and str(caught.value).startswith("file.yaml: ")


def test_files_that_are_none(tmp_path):
    path = tmp_path / "x.yaml"
    for content, said in (
        ("a: [", "not a YAML file"),
        ("- 1", "must be a mapping"),
        ("!!python/object:os.system {}", "YAML"),
    ):
        path.write_text(content)
        with pytest.raises(SweepError, match=said) as caught:
            config.load(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(SweepError, match="there is no sweep file"):
        config.load(tmp_path / "none.yaml")
    with pytest.raises(SweepError, match="can't be read"):
        config.load(tmp_path)


def plan(**change):
    return planner.plan(config.parse({**GOOD, **change}, "file.yaml"))


def test_one_at_a_time_is_native_plus_one_flip_each():
    planned = plan(settings={"init": ["native", "glorot_uniform"], "momentum": ["classical", "unit_gain"]})
    native = cells(planned, "pytorch")
    assert len(native) == 3
    base = next(row for row in native if row["init"] == "fan_in_uniform" and row["momentum"] == "classical")
    assert all(sum(row[name] != base[name] for name in row) <= 1 for row in native)
    assert len(cells(planned, "reference")) == 2  # glorot_uniform is native there


def test_factorial_is_every_combination_and_blocks_are_seeds():
    settings = {"init": ["glorot_uniform", "lecun_normal"], "relu": ["before_pool", "after_pool"]}
    planned = plan(design="factorial", settings=settings)
    assert len(cells(planned, "pytorch")) == 4 and len(rows(planned)) == 2 * 2 * 4
    assert [trial.seed for trial in rows(planned)] == [0] * 8 + [1] * 8
    again = plan(design="factorial", settings=settings)
    assert [trial.identity for trial in rows(again)] == [trial.identity for trial in rows(planned)]
    assert len({trial.identity for trial in rows(planned)}) == 16


def test_unsupported_choices_are_dropped_and_inert_ones_collapsed_with_reasons():
    settings = {"layout": ["nchw", "nhwc"], "autotune": ["off", "on"]}
    planned = plan(design="factorial", settings=settings, adapters=["pytorch", "chainer"])
    assert [(row.adapter, row.setting, row.choice) for row in planned.dropped] == [("chainer", "layout", "nhwc")]
    assert {(row.adapter, row.kept) for row in planned.collapsed} == {("pytorch", "off"), ("chainer", "off")}
    assert len(cells(planned, "pytorch")) == 2 and len(cells(planned, "chainer")) == 1
    on_gpu = plan(design="factorial", settings=settings, adapters=["pytorch", "chainer"], resources={"num_gpus": 1})
    assert not on_gpu.collapsed and len(cells(on_gpu, "pytorch")) == 4


def test_choices_that_conflict_are_dropped_with_their_reason():
    settings = {"layout": ["nchw", "nhwc"], "compile": ["eager", "graph"]}
    planned = plan(design="factorial", settings=settings, adapters=["tensorflow"])
    assert {"layout": "nchw", "compile": "eager"}.items() not in [row.items() for row in cells(planned, "tensorflow")]
    assert len(cells(planned, "tensorflow")) == 3
    assert planned.dropped[0].choice == "nchw" and "compile" in planned.dropped[0].reason


def test_fixed_settings_hold_everywhere_or_are_refused():
    assert {trial.configuration["relu"] for trial in rows(plan(fixed={"relu": "after_pool"}))} == {"after_pool"}
    with pytest.raises(SweepError, match="reference doesn't support fixed layout: nhwc"):
        plan(fixed={"layout": "nhwc"})


def test_the_plan_is_plain_data():
    planned = plan().as_dict()
    assert set(planned["trials"][0]) == {"adapter", "workload", "settings", "seed"}
    assert yaml.safe_load(yaml.safe_dump(planned)) == planned


def test_part_of_a_sweep_is_a_sweep_of_its_own():
    whole = config.parse(
        {**GOOD, "settings": {"init": ["native", "glorot_uniform"], "relu": ["before_pool", "after_pool"]}}, "file"
    )
    part = config.part(whole, ["pytorch"], ["relu"])
    assert (part.name, list(part.adapters), list(part.settings)) == ("good-pytorch-relu", ["pytorch"], ["relu"])
    assert {trial.identity for trial in planner.plan(part).order} <= {
        trial.identity for trial in planner.plan(whole).order
    }
    assert config.part(whole, None, ["init"]).adapters == whole.adapters
    for adapters, settings, said in (
        (["cntk"], None, "unknown adapter of this sweep 'cntk'"),
        (None, ["loss"], "unknown setting of this sweep 'loss'"),
    ):
        with pytest.raises(SweepError, match=said):
            config.part(whole, adapters, settings)
    with pytest.raises(SweepError, match="adapters must list two"):
        config.part(config.parse({**GOOD, **PATH}, "file"), ["lasagne"], None)


def test_a_sweep_is_written_as_the_file_that_it_was(tmp_path):
    whole = config.parse({**GOOD, "fixed": {"labels": "native"}}, "file")
    (tmp_path / "sweep.yaml").write_text(whole.text())
    assert config.load(tmp_path / "sweep.yaml").file == whole.file
    assert yaml.safe_load(whole.text()) == {**GOOD, "fixed": {"labels": "native"}}
