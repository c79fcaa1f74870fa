"""Every adapter, in its real interpreter, over the production wire: the same function as the reference; and wrong ones fail."""

import json

import pytest

from adapters import ADAPTERS, load_spec
from adapters.settings import SETTINGS
from experiments import certificate, datasets, places, runner
from experiments.certificate import Case, Verifier
from experiments.trial import Trial
from experiments.workload import workload_named
from tests.conformance.wrong import CONTROLS

CIFAR, DIGITS = workload_named("cifar10_cnn"), workload_named("digits_cnn")
NATIVE = {precision: Case("", "", precision, steps, bound) for precision, steps, bound in (("float64", 20, 1e-12), ("float32", 3, 1e-5))}


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_case_of_the_certificate_passes(name, built):
    built("reference"), built(name)
    results = certificate.verify([name], CIFAR, places.cache())
    failed = [result.as_dict() for result in results if not result.passed]
    assert not failed
    assert {case.precision for case in certificate.cases(load_spec(name))} == {"float32", "float64"}
    stored = json.loads(certificate.path(name, "cifar10_cnn", places.cache()).read_text())
    assert [row["passed"] for row in stored] == [True] * len(results)


def test_the_cases_cover_every_choice_that_can_be_compared():
    for name in ADAPTERS:
        spec = load_spec(name)
        compared = {(case.setting, case.choice) for case in certificate.cases(spec)}
        for setting in certificate.COMPARED:
            position = spec.supported("cnn").get(setting)
            for choice in position.choices if position else ():
                assert choice == position.native or (setting, choice) in compared, (name, setting, choice)


@pytest.fixture(scope="module")
def verifier(built, tmp_path_factory):
    built("reference")
    made = Verifier(CIFAR, tmp_path_factory.mktemp("controls"), places.cache())
    made.prepare([("reference", case) for case in NATIVE.values()])
    return made


@pytest.mark.parametrize("precision", NATIVE)
@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.__name__)
def test_a_wrong_network_fails(verifier, control, precision):
    result = verifier.run("reference", NATIVE[precision], f"tests.conformance.wrong:{control.__name__}")
    assert not result.passed
    if result.error:  # a wrong loss is caught before the first step: what is in force is not what was asked for
        assert "in force" in result.error


def test_float64_is_sharp(verifier):
    result = verifier.run("reference", NATIVE["float64"], "tests.conformance.wrong:SlightlyWrongMomentum")
    assert not result.passed and result.max_difference["weights"] < 1e-6


# Every choice of every setting is read back from the running framework

# A network small enough to build in no time, and wide enough for its initialisers to be told apart.
NETWORK = DIGITS.with_overrides(filters=(16, 32), hidden=64)


def choices():
    for name in ADAPTERS:
        for setting, position in load_spec(name).supported("cnn").items():
            for choice in position.choices:
                if not load_spec(name).conflict({**load_spec(name).native("cnn"), setting: choice}, "cpu"):
                    yield name, setting, choice


@pytest.mark.parametrize(("name", "setting", "choice"), [one for one in choices() if one[1] in SETTINGS])
def test_a_choice_is_in_force_when_it_is_asked_for(name, setting, choice, built, tmp_path):
    environment = built(name)
    trial = Trial(name, NETWORK, {**load_spec(name).native("cnn"), setting: choice}, 0, "cpu", 1, 120)
    data = datasets.prepare("digits", places.cache())
    events = list(runner.events(trial, tmp_path, environment, trial.request("describe", str(data))))
    assert [event["event"] for event in events] == ["ready", "done"], events
    assert events[0]["settings"] == trial.configuration
    assert set(events[0]["versions"]) == {"python", "numpy", "framework"}
    assert events[0]["versions"]["python"].startswith(load_spec(name).python + ".")


@pytest.mark.parametrize("name", ADAPTERS)
def test_the_same_seed_gives_the_same_run_and_another_seed_another(name, built, tmp_path):
    environment = built(name)
    data = datasets.prepare("digits", places.cache())
    workload = NETWORK.with_overrides(epochs=1, train_examples=128)
    losses = []
    for run, seed in enumerate((3, 3, 4)):
        folder = tmp_path / str(run)
        folder.mkdir()
        trial = Trial(name, workload, load_spec(name).native("cnn"), seed, "cpu", 1, 120)
        events = list(runner.events(trial, folder, environment, trial.request("train", str(data))))
        losses.append([event["loss"] for event in events if event["event"] == "epoch"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert losses[0] != pytest.approx(losses[2], rel=1e-5)
