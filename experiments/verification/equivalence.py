"""Certificates: proof, over the production wire, that an adapter computes the same function as the reference.

A case trains an adapter and the NumPy reference from the same weights on the same batches, without dropout, and
compares the first scores, the loss at each step and every weight after each step. In float64, at a reduced width, a
whole trajectory must agree; in float32, at full size, three steps must, the weights being set from the reference before
each.
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from adapters import load_spec
from adapters.networks import load_network
from experiments.errors import WorkerDied
from experiments.preparation import certificates
from experiments.preparation.certificates import REFERENCE
from experiments.preparation.environments import Environment
from experiments.running import runner, worker_process
from experiments.trials.trial import Trial
from experiments.trials.workload import Workload, workload_named
from experiments.verification.cases import Case, base_configuration, cases, unreadable


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
        case, found = self.case, self.max_difference
        close = all(value <= case.tolerance for value in found.values())
        return not self.error and close and found["weights"] <= case.tolerance_weights

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
            "tolerance_weights": self.case.tolerance_weights,
            "passed": self.passed,
            "error": self.error,
        }


class Verifier:
    """Runs cases for one workload; the reference's side of a case is computed once and shared."""

    def __init__(self, workload: Workload, device: str, folder: Path, cache: Path):
        self.workload, self.device, self.folder, self.cache = workload, device, folder, cache
        self.network, self.verification = workload.definition, workload.definition.verification
        self.references: dict[str, Future[dict[str, Path]]] = {}

    def prepare(self, wanted: list[tuple[str, Case]], pool: Executor) -> None:
        """Let a pool write the data and run the reference for every function that the cases need and none before did.

        It starts before all that is submitted later: what compares with it may wait for it in the same pool.
        """
        needed: dict[tuple[str, str], dict[str, tuple[str, Case]]] = {}
        for name, case in wanted:
            if self._key(name, case) not in self.references:
                needed.setdefault((case.precision, case.width), {})[self._key(name, case)] = name, case
        for functions in needed.values():
            self.references |= dict.fromkeys(functions, pool.submit(self._prepare, functions))

    def _prepare(self, needed: dict[str, tuple[str, Case]]) -> dict[str, Path]:
        """Run the reference for functions of one precision and width; returns {key: what it gave}. Raises
        WorkerDied.
        """
        case = next(case for _, case in needed.values())
        write_data(self._sized(case), self._data(case), self.verification.seeds.get(case.width, 0))
        folder = self.folder / f"reference {next(iter(needed))}"
        errors = self._trace(REFERENCE, case, folder, [self._reference_case(*one) for one in needed.values()])
        if any(errors.values()):
            raise WorkerDied(f"the reference failed: {errors}")
        return {key: folder / f"{key}.npz" for key in needed}

    def run(self, name: str, cases: list[Case], implementation: str = "") -> list[Result]:
        """Compare one adapter with the reference: cases of one width, whose workers start alike, share a process.

        `implementation` replaces the adapter's own, for negative controls.
        """
        folder = self.folder / f"{name} {cases[0].name} {implementation}".replace("/", "-")
        requests = [self._case(name, case) for case in cases]
        try:
            errors = self._trace(name, cases[0], folder, requests, implementation)
        except WorkerDied as error:
            errors = {case.name: str(error) for case in cases if not (folder / f"{case.name}.npz").is_file()}
        return [self._result(name, case, folder, errors.get(case.name, "")) for case in cases]

    def _result(self, name: str, case: Case, folder: Path, error: str) -> Result:
        if error:
            return Result(name, self.workload.name, case, {}, error)
        found = differences(
            *(np.load(path, allow_pickle=False) for path in (self._reference(name, case), folder / f"{case.name}.npz"))
        )
        return Result(name, self.workload.name, case, found)

    def configuration(self, name: str, case: Case) -> dict[str, str]:
        """The adapter's configuration in a case."""
        configuration = base_configuration(load_spec(name), self.workload.model, case.precision)
        if case.width == "full":
            conditioned = self.verification.conditioned.items()
            configuration |= {setting: choice for setting, choice in conditioned if setting in configuration}
        return {**configuration, case.setting: case.choice} if case.setting else configuration

    def _followed(self, name: str, case: Case) -> dict[str, str]:
        configuration = self.configuration(name, case)
        followed = self.verification.followed
        return {setting: configuration[setting] for setting in followed if setting in configuration}

    def _key(self, name: str, case: Case) -> str:
        return " ".join([case.precision, case.width, *self._followed(name, case).values()])

    def _reference(self, name: str, case: Case) -> Path:
        """The reference's trace of a case's function; `prepare` must come first. Raises WorkerDied."""
        key = self._key(name, case)
        return self.references[key].result()[key]

    def _reference_case(self, name: str, case: Case) -> dict[str, Any]:
        # Biases that are not zero, so that a bias in the wrong place shows.
        drawn = {"precision": "float64", "init": "glorot_uniform", "bias_init": "fan_in_uniform"}
        settings = {**load_spec(REFERENCE).native(self.workload.model), **self._followed(name, case), **drawn}
        return _trace_case(self._key(name, case), settings, case.steps)

    def _case(self, name: str, case: Case) -> dict[str, Any]:
        weights = str(self._reference(name, case))
        return _trace_case(case.name, self.configuration(name, case), case.steps, weights, case.restore)

    def _sized(self, case: Case) -> Workload:
        return self.workload.with_overrides(**self.verification.sizes[case.width])

    def _data(self, case: Case) -> Path:
        return self.folder / f"data {case.width}"

    def _trace(
        self, name: str, case: Case, folder: Path, requests: list[dict[str, Any]], implementation: str = ""
    ) -> dict[str, str]:
        """Run requested cases in one worker; returns {case: error}, "" where it went well."""
        folder.mkdir(parents=True)
        device = "cpu" if name == REFERENCE else self.device  # NumPy has no other
        trial = Trial(
            name, self._sized(case), requests[0]["settings"], seed=0, device=device, threads=1, time_limit=1200
        )
        request = trial.request("trace", str(self._data(case)), cases=requests)
        request["implementation"] = implementation or request["implementation"]
        environment = Environment(trial.spec, device, self.cache)
        return runner.case_errors(trial, folder, environment, request, unreadable(self.network))


def _trace_case(
    name: str, settings: dict[str, str], steps: int, weights: str | None = None, restore: bool = False
) -> dict[str, Any]:
    """The entry of a case in a trace request: see adapters/worker.py. Both sides use the batches of seed 0."""
    return {"name": name, "settings": settings, "seed": 0, "steps": steps, "weights": weights, "restore": restore}


def verified_workload(model: str) -> Workload:
    """The workload whose network represents all workloads of the same network."""
    return workload_named(load_network(model).verification.workload)


def write_data(workload: Workload, folder: Path, seed: int = 0) -> None:
    """Examples of the workload's shape: enough for the longest trajectory, the same everywhere."""
    if folder.exists():
        return
    folder.mkdir(parents=True)
    random, network = np.random.RandomState(seed), workload.network
    for part, examples in (("train", 20 * network["batch_size"]), ("test", network["batch_size"])):
        np.save(folder / f"x_{part}.npy", workload.definition.verification.sample(random, network, examples))
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
    adapters: list[str], model: str, device: str, cache: Path, progress: Callable[[Result], None] = lambda result: None
) -> list[Result]:
    """Run every case of every adapter for one network on a device, two workers at a time; keep the certificates.

    The adapters' environments must be ready, the reference's too.
    """
    with tempfile.TemporaryDirectory() as folder:
        return certify(Verifier(verified_workload(model), device, Path(folder), cache), adapters, progress)


def certify(
    verifier: Verifier, adapters: list[str], progress: Callable[[Result], None] = lambda result: None
) -> list[Result]:
    """The same, with a verifier that may know the reference's side from before."""
    model, device = verifier.workload.model, verifier.device
    wanted = [(name, case) for name in adapters for case in cases(load_spec(name), model, device)]
    results: list[Result] = []
    with two_at_a_time() as pool:
        verifier.prepare(wanted, pool)
        for found in pool.map(lambda group: verifier.run(*group), _groups(verifier, wanted)):
            for result in found:
                progress(result)
            results += found
    results.sort(key=lambda result: wanted.index((result.adapter, result.case)))
    for name in adapters:
        rows = [result.as_dict() for result in results if result.adapter == name]
        certificates.keep(rows, certificates.path(load_spec(name), model, device, verifier.cache))
    return results


@contextmanager
def two_at_a_time() -> Iterator[ThreadPoolExecutor]:
    """A pool of two threads; an interrupt ends the workers that they run and starts no more."""
    with ThreadPoolExecutor(2) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            worker_process.kill_all()
            raise


def _groups(verifier: Verifier, wanted: list[tuple[str, Case]]) -> list[tuple[str, list[Case]]]:
    """Cases that one process can run: of one adapter and width, with the same environment variables. Most cases first,
    so that none runs long when the others are done."""

    def alike(one: tuple[str, Case]) -> tuple[str, str, str]:
        name, case = one
        variables = load_spec(name).environment_variables(verifier.configuration(name, case))
        return name, case.width, json.dumps(variables, sort_keys=True)

    groups = [(key[0], [case for _, case in group]) for key, group in groupby(sorted(wanted, key=alike), alike)]
    return sorted(groups, key=lambda group: -len(group[1]))
