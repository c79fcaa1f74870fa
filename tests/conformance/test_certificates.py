"""Every adapter, in its interpreter, over the worker's protocol: equal to the reference; wrong ones fail."""

from dataclasses import replace
from itertools import zip_longest

import numpy as np
import pytest

from adapters import ADAPTERS, load_spec
from adapters.networks import load_network
from experiments import locations
from experiments.locations import PROJECT
from experiments.preparation import certificates
from experiments.running import runner, worker_process
from experiments.trials.trial import Trial
from experiments.trials.workload import workload_named
from experiments.verification import cases, equivalence
from experiments.verification.equivalence import Verifier
from tests.conformance.wrong import CONTROLS, HIDDEN, SLIGHT


def together(name, *values):
    """What the tests of one environment are about: those of one process wait for no other that builds it."""
    return pytest.param(name, *values, marks=pytest.mark.xdist_group(load_spec(name).module))


NETWORKS = [together(name, model) for name in ADAPTERS for model in load_spec(name).models]


@pytest.fixture(scope="module")
def verifier(built, tmp_path_factory):
    """verifier(model): one for all adapters and controls, so that the reference's side of a case is computed once."""
    built("reference")
    made = {}

    def verifier(model):
        if model not in made:
            made[model] = Verifier(
                equivalence.verified_workload(model), "cpu", tmp_path_factory.mktemp(model), locations.cache()
            )
        return made[model]

    return verifier


@pytest.mark.parametrize(("name", "model"), NETWORKS)
def test_every_case_of_the_certificate_passes(name, model, built, verifier):
    built(name)
    results = equivalence.certify(verifier(model), [name])
    failed = [result.as_dict() for result in results if not result.passed]
    assert not failed
    stored = certificates.read(load_spec(name), model, "cpu", locations.cache())
    assert [row["passed"] for row in stored] == [True] * len(results)


@pytest.mark.parametrize(("name", "model"), NETWORKS)
def test_a_certificate_is_sharp_and_leaves_no_comparable_choice_out(name, model):
    spec, listed = load_spec(name), cases.cases(load_spec(name), model)
    sharp = [case for case in listed if case.width != "full"]
    exact = "float64" in spec.choices("precision")
    assert all(case.steps == 20 and case.tolerance == (1e-12 if exact else 1e-6) for case in sharp)
    assert all(case.tolerance_weights <= 1e-7 for case in sharp)
    assert [case.tolerance for case in listed if case.width == "full"] == [1e-5] * (len(listed) - len(sharp))
    base = cases.base_configuration(spec, model, sharp[0].precision)
    compared = {(case.setting, case.choice) for case in sharp}
    unreadable = cases.unreadable(load_network(model))
    for setting in spec.supported(model):
        drawn = setting in (*unreadable, *cases.ALIKE, "precision", "embedding_gradient")
        for choice in spec.choices(setting):
            left_out = drawn or choice == base[setting] or (setting, choice) == ("adam_count", "unordered")
            conflict = spec.conflict({**base, setting: choice}, "cpu") or spec.inert(setting, "cpu")
            assert left_out or conflict or (setting, choice) in compared, (setting, choice)


# Wrong networks


def natives(model):
    """The case that is sharp and narrow, and the one at full size."""
    return cases.cases(load_spec("reference"), model)[:2]


def compared(verifier, chosen, control):
    """The results of a wrong network in the reference's place."""
    with equivalence.two_at_a_time() as pool:
        verifier.prepare([("reference", case) for case in chosen], pool)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker_process, "worker_path", lambda: PROJECT)  # which holds the tests too
        return verifier.run("reference", chosen, f"tests.conformance.wrong:{control.__name__}")


@pytest.mark.xdist_group("controls")
@pytest.mark.parametrize(
    ("model", "control", "place"),
    [(*control, 0) for control in CONTROLS + HIDDEN] + [(*control, 1) for control in CONTROLS],
    ids=lambda value: {0: "narrow", 1: "full"}.get(value, getattr(value, "__name__", value)),
)
def test_a_wrong_network_fails(verifier, model, control, place):
    (result,) = compared(verifier(model), [natives(model)[place]], control)
    assert not result.passed
    if result.error:  # a wrong loss is caught before the first step: what is in force is not what was asked for
        assert "in force" in result.error


@pytest.mark.xdist_group("controls")
@pytest.mark.parametrize(("model", "control"), SLIGHT, ids=lambda value: getattr(value, "__name__", value))
def test_float64_is_sharp(verifier, model, control):
    (result,) = compared(verifier(model), natives(model)[:1], control)
    assert not result.passed and 1e-12 < result.max_difference["weights"] < 1e-6


# Every choice of every setting is read back from the running framework

# Networks small enough to build quickly, and wide enough to distinguish their initializers.
WIDE = {
    "cnn": workload_named("digits_cnn").with_overrides(
        input_shape=(3, 16, 16), filters=(16, 32), hidden=64, batch_size=32
    ),
    "gru": workload_named("imdb_gru").with_overrides(tokens=12, vocabulary=500, embedding=64, hidden=60, batch_size=32),
}


def describe(name, model, wanted, folder, environment, verb="describe"):
    """Run cases {case name: fields} in as few workers as environment variables allow; returns {case name: error}."""
    spec, data, errors = load_spec(name), folder / "data", {}
    equivalence.write_data(WIDE[model], data)
    groups = {}
    for case, fields in wanted.items():
        variables = tuple(sorted(spec.environment_variables(fields["settings"]).items()))
        groups.setdefault(variables, []).append({"name": case, "seed": 0, **fields})
    for number, group in enumerate(groups.values()):
        (folder / str(number)).mkdir()
        trial = Trial(name, WIDE[model], group[0]["settings"], 0, "cpu", 1, 600)
        errors |= runner.case_errors(
            trial, folder / str(number), environment, trial.request(verb, str(data), cases=group)
        )
    return errors


def uncompared(spec, model):
    """Every choice that no case of the certificate reads back, in as few configurations as possible.

    Each initializer is identified from its own arrays, so several are requested together.
    """
    native, settings = spec.native(model), load_network(model).drawn
    seen = {(case.setting, case.choice) for case in cases.cases(spec, model)} | set(native.items())
    choices = [(setting, choice) for setting in spec.supported(model) for choice in spec.choices(setting)]
    possible = [flip for flip in choices if flip not in seen and not spec.conflict({**native, **dict([flip])}, "cpu")]
    drawn = [[flip for flip in possible if flip[0] == setting] for setting in settings]
    alone = [[flip] for flip in possible if flip[0] not in settings]
    return [dict(flips) for flips in ([], *alone, *(filter(None, flips) for flips in zip_longest(*drawn)))]


@pytest.mark.parametrize(("name", "model"), NETWORKS)
def test_every_choice_is_in_force_when_it_is_asked_for(name, model, built, tmp_path):
    spec = load_spec(name)
    asked = {str(flips): {**spec.native(model), **flips} for flips in uncompared(spec, model)}
    assert not any(spec.conflict(settings, "cpu") for settings in asked.values())
    wanted = {case: {"settings": settings} for case, settings in asked.items()}
    assert describe(name, model, wanted, tmp_path, built(name)) == dict.fromkeys(wanted, "")


LOADERS = [together(name) for name in ADAPTERS if not load_spec(name).refusal("loader", "framework")]


@pytest.mark.parametrize("name", LOADERS)
def test_the_frameworks_own_loader_goes_through_an_epoch_and_no_further(name, built, tmp_path):
    settings = {**load_spec(name).native("cnn"), "loader": "framework"}
    trial = Trial(name, replace(WIDE["cnn"], epochs=2), settings, 0, "cpu", 1, 120)
    equivalence.write_data(WIDE["cnn"], tmp_path / "data")  # 20 batches
    (tmp_path / "trial").mkdir()
    *_, last = runner.events(trial, tmp_path / "trial", built(name), trial.request("train", str(tmp_path / "data")))
    assert (last["event"], last.get("steps")) == ("done", 40)


@pytest.mark.parametrize(("name", "model"), NETWORKS)
def test_the_same_seed_gives_the_same_run_and_another_seed_another(name, model, built, tmp_path):
    native = load_spec(name).native(model)
    fields = {"settings": native, "steps": 4, "weights": None, "restore": False}
    wanted = {case: {**fields, "seed": seed} for case, seed in (("first", 3), ("again", 3), ("other", 4))}
    assert describe(name, model, wanted, tmp_path, built(name), "trace") == dict.fromkeys(wanted, "")
    first, again, other = (np.load(tmp_path / "0" / f"{case}.npz")["losses"] for case in wanted)
    assert first == pytest.approx(again, rel=1e-5)
    assert first != pytest.approx(other, rel=1e-5)
