"""Transfer: move a trained network's weights to another framework through one canonical .npz, and compare predictions.

Both adapters set the same weights and predict the whole test set on the CPU, in the precision of the training. The
scores are compared. Where they agree, a class can differ only in a near-tie: two best scores closer than twice the
largest difference.
"""

import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic wants it before Python 3.12

from adapters import load_spec
from adapters.contract.spec import AdapterSpec
from adapters.networks import load_network
from experiments.errors import SweepError, WorkerDied
from experiments.preparation import datasets
from experiments.preparation.environments import Environment
from experiments.recording import reader
from experiments.running import runner
from experiments.trials.records import TrialRecord
from experiments.trials.trial import COMPLETED, Trial
from experiments.trials.workload import Workload, workload_named
from experiments.verification.cases import EXACT, SINGLE

# Tolerance of two frameworks' scores, in units of the largest score: that of one forward pass in a certificate.
TOLERANCES = {"float32": SINGLE, "float64": EXACT}
TIME_LIMIT = 600.0  # seconds for one adapter's predictions


class Request(TypedDict):
    """The parts of a worker's request that a transfer needs: see adapters/worker.py."""

    network: dict[str, Any]
    settings: dict[str, str]


@dataclass(frozen=True)
class Trained:
    """A finished trial and its weights. request: its worker's request."""

    run: str
    adapter: str
    workload: Workload
    request: Request
    weights: Path

    @property
    def precision(self) -> str:
        return self.request["settings"]["precision"]


@dataclass(frozen=True)
class Comparison:
    """Two frameworks' scores of the same examples.

    differing: how many examples get another class; margin: the widest gap between the two best scores among them (of
    the source's scores; 0 if none differ). max_difference: the largest absolute difference of two scores; tolerance:
    its bound.
    """

    examples: int
    differing: int
    margin: float
    max_difference: float
    tolerance: float

    @property
    def passed(self) -> bool:
        return self.max_difference <= self.tolerance


def compare(expected: np.ndarray, found: np.ndarray, precision: str) -> Comparison:
    """Compare scores, (examples, classes). Raises SweepError where they can't be compared."""
    if expected.shape != found.shape or not (np.isfinite(expected).all() and np.isfinite(found).all()):
        raise SweepError(f"scores {expected.shape} and {found.shape} can't be compared: all must be there, and finite")
    differing = expected.argmax(axis=1) != found.argmax(axis=1)
    second, first = np.sort(expected, axis=1)[:, -2:].T
    return Comparison(
        examples=len(expected),
        differing=int(differing.sum()),
        margin=float(np.max((first - second)[differing], initial=0.0)),
        max_difference=float(np.abs(expected - found).max()),
        tolerance=TOLERANCES[precision] * max(1.0, float(np.abs(expected).max())),
    )


def find(home: Path, run: str, source: str, folder: Path) -> Trained:
    """The network of an MLflow run that `source` trained; `folder` receives its record. Raises TrackingError or
    SweepError.
    """
    if not run.isalnum():
        raise SweepError(f"'{run}' is no run's id, which has letters and digits alone; its page in MLflow shows it")
    return read(reader.read_trial(home, run, folder), run, source)


def transfer(trained: Trained, target: str, output: Path, cache: Path) -> dict[str, Any]:
    """Move a network to another framework by way of `output`; returns what `transfer --json` prints.

    Both adapters' environments must be ready. Raises SweepError or WorkerDied.
    """
    weights = keep(trained.weights, output.absolute())
    with tempfile.TemporaryDirectory() as scratch:
        expected, accuracy_from = predict(trained.adapter, trained, weights, Path(scratch, "from"), cache)
        found, accuracy_to = predict(target, trained, weights, Path(scratch, "to"), cache)
    comparison = compare(expected, found, trained.precision)
    return {
        "from": trained.adapter,
        "to": target,
        "run": trained.run,
        "precision": trained.precision,
        **asdict(comparison),
        "same_classes": comparison.differing == 0,
        "accuracy_from": accuracy_from,
        "accuracy_to": accuracy_to,
        "weights": str(weights),
        "passed": comparison.passed,
    }


def read(record: TrialRecord, run: str, source: str) -> Trained:
    """The network in a trial's record. Raises SweepError where it is not `source`'s, or has no weights."""
    params, outcome = record.description()["params"], record.outcome()
    if params.get("adapter") != source:
        raise SweepError(
            f"run '{run}' was trained by {params.get('adapter')}, not by {source}; use --from {params.get('adapter')}"
        )
    if not outcome or outcome["kind"] != COMPLETED:
        raise SweepError(f"run '{run}' {outcome and outcome['kind']}: only a completed trial has weights to transfer")
    if not record.weights.is_file():
        raise SweepError(
            f"run '{run}' kept no weights; set keep_weights: true in the sweep file and run it with --fresh"
        )
    workload = workload_named(params.get("workload", ""))
    return Trained(run, source, workload, _request(record, run, workload), record.weights)


def _request(record: TrialRecord, run: str, workload: Workload) -> Request:
    """The request of the run's worker. Raises SweepError where it can't be repeated, or there is no tolerance for
    it.
    """
    try:
        request = TypeAdapter(Request).validate_json(record.request.read_bytes())
        whole = request["network"].keys() == workload.request(1, "cpu").keys() and isinstance(
            request["network"]["threads"], int
        )
    except (OSError, ValidationError):
        whole = False
    if not whole:
        raise SweepError(f"run '{run}' keeps no request that can be read; run its sweep again with --fresh")
    precision = request["settings"].get("precision", "")
    if precision not in TOLERANCES:
        raise SweepError(
            f"run '{run}' was trained in '{precision}', which has no tolerance; train in {' or '.join(TOLERANCES)}"
        )
    return request


def keep(weights: Path, output: Path) -> Path:
    """Copy the weights to where they stay. Raises SweepError where that place can't be written."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(weights, output)
    except OSError as error:
        raise SweepError(
            f"'{output}' can't be written: {error.strerror}; choose another place with --output"
        ) from error
    return output


def predict(adapter: str, trained: Trained, weights: Path, folder: Path, cache: Path) -> tuple[np.ndarray, float]:
    """(scores of the whole test set, accuracy) of an adapter with these weights. Raises WorkerDied."""
    network = {**trained.request["network"], "device": "cpu"}
    settings = configuration(load_spec(adapter), trained.workload.model, trained.request["settings"])
    trial = Trial(adapter, trained.workload, settings, 0, "cpu", network["threads"], TIME_LIMIT)
    data = str(datasets.prepare(trained.workload.dataset, cache))
    request = trial.request("predict", data, network=network, weights=str(weights))
    folder.mkdir()
    for event in runner.events(trial, folder, Environment(trial.spec, "cpu", cache), request):
        if event["event"] == "ready":
            # How weights were drawn can't be read back once they are given.
            drawn = trained.workload.definition.drawn
            wanted = {name: choice for name, choice in settings.items() if name not in drawn}
            runner.check_settings(wanted, event["settings"])
        elif event["event"] == "failed":
            raise WorkerDied(f"{adapter} can't predict with these weights: {event['error']}: {event['message']}")
    return np.load(folder / "scores.npy", allow_pickle=False), float(event["accuracy"])


def configuration(spec: AdapterSpec, model: str, trained: dict[str, str]) -> dict[str, str]:
    """The adapter's native values, but what the scores depend on as in the training, and no dropout.

    Raises SweepError where the adapter can't do that.
    """
    wanted = {name: trained[name] for name in load_network(model).verification.scored if name in trained}
    chosen = {**spec.native(model), **wanted}
    if "dropout_at_test" in chosen:
        chosen["dropout_at_test"] = "off"
    refusals = [
        f"{name}={choice} ({spec.refusal(name, choice)})"
        for name, choice in wanted.items()
        if spec.refusal(name, choice)
    ]
    conflict = spec.conflict(chosen, "cpu")
    if refusals or conflict:
        why = ", ".join(refusals) or f"on a CPU: {conflict and conflict.reason}"
        raise SweepError(f"{spec.name} can't predict as the network was trained, {why}")
    return chosen
