"""The driver's overhead per trial, compared with Ray Tune + OptunaSearch + MLflowLoggerCallback (reuse_actors=True).

    python -m benchmarks.overhead [TRIALS]

A null trial trains nothing: it sends one epoch's metrics and an outcome. The sides alternate, each in a new process.
The clock starts when a side's store, processes and Ray are ready, and stops when all runs are in MLflow. The result is
the ratio of the two times.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

warnings.filterwarnings("ignore")
os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"

import mlflow
import ray
from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback
from ray.tune.search.optuna import OptunaSearch

from benchmarks.null_trial import NullCluster
from experiments import processes
from experiments.locations import PROJECT
from experiments.recording import store
from experiments.recording.recorder import Recorder
from sweeps.execution import driver
from sweeps.execution.ledger import open_ledger
from sweeps.execution.storage import Lease, Storage
from sweeps.planning import config, planner
from sweeps.state import SweepFolder

ROUNDS = 5
SETTLING = 5.0  # seconds until the background processes of a side and of Ray have loaded their modules
CHOICES = ["glorot_uniform", "fan_in_uniform", "lecun_uniform", "lecun_normal"]


def ours(trials: int, folder: Path) -> Callable[[], None]:
    """A function that runs the null trials with this project."""
    declared = config.parse(  # each seed has one trial per choice, and one repeated trial
        {
            "name": "null",
            "workload": {"name": "digits_cnn"},
            "adapters": ["reference"],
            "design": "factorial",
            "settings": {"init": CHOICES},
            "seeds": trials // (len(CHOICES) + 1),
        },
        "benchmark",
    )
    plan = planner.plan(declared)
    state = SweepFolder(folder, "null", 1)
    state.path.mkdir(parents=True)
    ledger = open_ledger(declared, plan, Storage(Lease(state.path, state.title)), state.title)
    run = store.open_sweep(folder, state.path, "null", "null", {"sweep": "null/1"})
    recorder = Recorder(run)
    cluster = NullCluster(declared.resources)
    processes.relax_gc()  # as sweep.py does

    def null_sweep() -> None:
        ledger.prepare({}.get)
        for trial, event in cluster.run(ledger.next):
            driver._take(trial, event, state, ledger, recorder)
        assert recorder.close() and len(plan.order) == trials

    return null_sweep


def ray_tune(trials: int, folder: Path) -> Callable[[], None]:
    """A function that runs the null trials with Ray Tune."""
    uri = f"sqlite:///{folder}/mlflow.db"
    mlflow.MlflowClient(uri).search_experiments()  # creates the tables

    def null(config):
        tune.report({"accuracy": 0.5, "train_seconds": 0.001})

    tuner = tune.Tuner(
        null,
        param_space={"init": tune.choice(CHOICES), "seed": tune.randint(0, 1000)},
        tune_config=tune.TuneConfig(
            search_alg=OptunaSearch(metric="accuracy", mode="max"),
            num_samples=trials,
            reuse_actors=True,
            max_concurrent_trials=2,
        ),
        run_config=tune.RunConfig(
            name="null",
            storage_path=str(folder),
            verbose=0,
            callbacks=[MLflowLoggerCallback(uri, experiment_name="null")],
        ),
    )

    def null_sweep() -> None:
        assert len(tuner.fit()) == trials

    return null_sweep


def measure(side: str, trials: int) -> None:
    """Print the name of a side and its milliseconds per trial."""
    null_sweep = {"ours": ours, "Ray Tune": ray_tune}[side](trials, Path.cwd())
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    time.sleep(SETTLING)
    start = time.perf_counter()
    null_sweep()
    seconds = (time.perf_counter() - start) / trials
    print(f"{side} {1000 * seconds}", flush=True)


def alone(side: str, trials: str) -> float:
    """Milliseconds per trial of one side, measured in a new process and folder."""
    with tempfile.TemporaryDirectory() as folder:
        code = f"from benchmarks.overhead import measure; measure({side!r}, {trials})"
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith(side)]
    if not lines:
        sys.exit(f"{side} failed: {done.stderr[-600:]}")
    return float(lines[-1].removeprefix(side))


def main() -> None:
    trials = sys.argv[1] if len(sys.argv) > 1 else "200"
    ratios = []
    for _ in range(ROUNDS):
        mine, theirs = (alone(side, trials) for side in ("ours", "Ray Tune"))
        ratios.append(mine / theirs)
        print(
            f"ours {mine:.1f} ms, Ray Tune {theirs:.1f} ms per trial over {trials} null trials: ratio {ratios[-1]:.3f}",
            flush=True,
        )
    print(f"median of {ROUNDS} ratios: {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
