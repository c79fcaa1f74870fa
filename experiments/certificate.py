"""Certificates: proof, over the production wire, that an adapter computes the same function as the reference.

A case trains an adapter and the NumPy reference from the same weights on the same batches, without dropout, and compares
the first scores, the loss at each step and every weight after each step. In float64, at a reduced width, a whole
trajectory must agree; in float32, at full size, three steps must, the weights being set anew before each.
"""

import json
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from adapters import load_spec
from adapters.spec import AdapterSpec
from experiments import runner
from experiments.environment import Environment
from experiments.errors import WorkerDied
from experiments.trial import Trial
from experiments.workload import Workload

# What every float64 trajectory keeps; a float32 epsilon anywhere in an optimiser would break it.
EXACT = 1e-12
# What float32 keeps at full size over a single step from the same weights.
SINGLE = 1e-5

# Settings whose choices change the function: the reference follows them. All others must not matter.
FOLLOWED = ("momentum", "nesterov", "loss")
COMPARED = ("layout", "compile", "relu", "labels", *FOLLOWED)


@dataclass(frozen=True)
class Case:
    """One comparison: which setting is flipped ("" for none), in which precision, how far, how close."""

    setting: str
    choice: str
    precision: str
    steps: int
    tolerance: float

    @property
    def name(self) -> str:
        return f"{self.precision} {self.setting}={self.choice}" if self.setting else f"{self.precision} native"


@dataclass(frozen=True)
class Result:
    """A case, the largest difference of each quantity, and whether all are within the tolerance."""

    adapter: str
    workload: str
    case: Case
    max_difference: dict[str, float]
    error: str = ""

    @property
    def passed(self) -> bool:
        return not self.error and all(value <= self.case.tolerance for value in self.max_difference.values())

    def as_dict(self) -> dict[str, Any]:
        """The result as `verify --json` prints it."""
        return {
            "adapter": self.adapter,
            "workload": self.workload,
            "case": self.case.name,
            "dtype": self.case.precision,
            "steps": self.case.steps,
            "max_difference": self.max_difference,
            "tolerance": self.case.tolerance,
            "passed": self.passed,
            "error": self.error,
        }


def cases(spec: AdapterSpec) -> list[Case]:
    """Every case that the adapter's declaration calls for."""
    supported = spec.supported("cnn")
    found = []
    for precision, steps, tolerance in (("float64", 20, EXACT), ("float32", 3, SINGLE)):
        if precision not in supported["precision"].choices:
            continue
        found.append(Case("", "", precision, steps, tolerance))
        native = dict(spec.native("cnn"), precision=precision)
        flipped = COMPARED if precision == "float64" else ("layout",)
        for name in flipped:
            for choice in supported[name].choices if name in supported else ():
                if choice != native[name] and not spec.conflict({**native, name: choice}, "cpu"):
                    found.append(Case(name, choice, precision, steps, tolerance))
    return found


class Verifier:
    """Runs cases for one workload; the reference's side of a case is computed once and shared."""

    def __init__(self, workload: Workload, folder: Path, cache: Path):
        self.workload, self.folder, self.cache = workload, folder, cache
        self.references: dict[str, Path] = {}

    def prepare(self, wanted: list[tuple[str, Case]]) -> None:
        """Write the data and run the reference for every function that the cases need."""
        for precision in {case.precision for _, case in wanted}:
            _write_data(self._sized(precision), self._data(precision))
        keys = {self._reference_key(name, case): (name, case) for name, case in wanted}
        for key, (name, case) in keys.items():
            self.references[key] = self._run_reference(key, name, case)

    def run(self, name: str, case: Case, implementation: str = "") -> Result:
        """Compare one adapter with the reference. `implementation` replaces the adapter's own, for negative controls."""
        reference = self.references[self._reference_key(name, case)]
        trial = self._trial(name, case.precision, self._configuration(name, case))
        folder = self.folder / f"{name} {case.name} {implementation}".replace("/", "-")
        options = {"steps": case.steps, "weights": str(reference), "restore": case.precision == "float32"}
        try:
            found = self._trace(trial, folder, case.precision, options, implementation)
        except WorkerDied as error:
            return Result(name, self.workload.name, case, {}, str(error))
        return Result(name, self.workload.name, case, differences(np.load(reference), np.load(found)))

    def _configuration(self, name: str, case: Case) -> dict[str, str]:
        configuration = {**load_spec(name).native("cnn"), "precision": case.precision}
        return {**configuration, case.setting: case.choice} if case.setting else configuration

    def _reference_key(self, name: str, case: Case) -> str:
        configuration = self._configuration(name, case)
        return " ".join([case.precision, *(configuration.get(setting, "") for setting in FOLLOWED)])

    def _run_reference(self, key: str, name: str, case: Case) -> Path:
        followed = {setting: self._configuration(name, case)[setting] for setting in FOLLOWED}
        # Biases that are not zero, so that a bias in the wrong place shows.
        drawn = {"precision": "float64", "init": "glorot_uniform", "bias_init": "fan_in_uniform"}
        trial = self._trial("reference", case.precision, {**load_spec("reference").native("cnn"), **followed, **drawn})
        options = {"steps": case.steps, "weights": None, "restore": False}
        return self._trace(trial, self.folder / f"reference {key}", case.precision, options)

    def _sized(self, precision: str) -> Workload:
        still = self.workload.with_overrides(dropout=(0.0, 0.0, 0.0))
        return still if precision == "float32" else still.with_overrides(filters=(8, 16), hidden=32, batch_size=16)

    def _trial(self, name: str, precision: str, configuration: dict[str, str]) -> Trial:
        return Trial(name, self._sized(precision), configuration, seed=0, device="cpu", threads=1, time_limit=600)

    def _data(self, precision: str) -> Path:
        return self.folder / f"data {precision}"

    def _trace(
        self, trial: Trial, folder: Path, precision: str, options: dict[str, Any], implementation: str = ""
    ) -> Path:
        folder.mkdir(parents=True)
        request = trial.request("trace", str(self._data(precision)), trace=options)
        request["implementation"] = implementation or request["implementation"]
        environment = Environment(trial.spec, "cpu", self.cache)
        for event in runner.events(trial, folder, environment, request):
            if event["event"] == "failed":
                raise WorkerDied(f"{event['error']}: {event['message']}")
            if event["event"] == "ready":
                runner.check_settings(_read_back(trial), event["settings"])
        return folder / "trace.npz"


def _read_back(trial: Trial) -> dict[str, str]:
    """What the worker must report: a narrow network has too few weights to tell initialisers apart, and no dropout."""
    unreadable = ("init", "bias_init", "dropout_at_test")
    return {name: choice for name, choice in trial.configuration.items() if name not in unreadable}


def _write_data(workload: Workload, folder: Path) -> None:
    """Pictures of the workload's shape: enough for the longest trajectory, the same everywhere."""
    folder.mkdir(parents=True, exist_ok=True)
    random, network = np.random.RandomState(0), workload.network
    for part, examples in (("train", 20 * network["batch_size"]), ("test", network["batch_size"])):
        np.save(folder / f"x_{part}.npy", random.rand(examples, *network["input_shape"]).astype(np.float32))
        np.save(folder / f"y_{part}.npy", random.randint(0, network["classes"], examples).astype(np.int32))


def differences(expected: Any, found: Any) -> dict[str, float]:
    """The largest absolute difference in logits, loss and weights over all steps; a NaN is infinitely far."""
    weights = [name for name in expected.files if "/" in name]
    return {
        "logits": _largest(expected["logits"], found["logits"]),
        "loss": _largest(expected["losses"], found["losses"]),
        "weights": max(_largest(expected[name], found[name]) for name in weights),
    }


def _largest(expected: Any, found: Any) -> float:
    if expected.shape != found.shape:
        return float("inf")
    largest = float(np.max(np.abs(expected - found)))
    return largest if np.isfinite(largest) else float("inf")


def verify(
    adapters: list[str], workload: Workload, cache: Path, progress: Callable[[Result], None] = lambda result: None
) -> list[Result]:
    """Run every case of every adapter, two at a time. Their environments must be ready, the reference's too."""
    wanted = [(name, case) for name in adapters for case in cases(load_spec(name))]
    with tempfile.TemporaryDirectory() as folder:
        verifier = Verifier(workload, Path(folder), cache)
        verifier.prepare(wanted)
        with ThreadPoolExecutor(2) as pool:
            results = []
            for result in pool.map(lambda one: verifier.run(*one), wanted):
                progress(result)
                results.append(result)
    for name in adapters:
        _keep([result for result in results if result.adapter == name], cache)
    return results


def path(name: str, workload: str, cache: Path) -> Path:
    """Where the certificate of an adapter, in its present environment, is kept."""
    digest = Environment(load_spec(name), "cpu", cache).digest[:12]
    return cache / "certificates" / f"{name}-{workload}-{digest}.json"


def _keep(results: list[Result], cache: Path) -> None:
    kept = path(results[0].adapter, results[0].workload, cache)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps([result.as_dict() for result in results], indent=1))
