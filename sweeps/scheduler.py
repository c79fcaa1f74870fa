"""Ray: one task per trial, a bounded window of them, events as they come. The only module that imports ray."""

import logging
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray
from ray import ObjectRefGenerator

from experiments import places
from experiments.errors import ClusterError
from experiments.runner import run_trial
from experiments.trial import FAILED, Event, Trial

if TYPE_CHECKING:  # a Ray worker starts faster without pydantic
    from sweeps.sweep import Resources

POLL = 0.5  # seconds between looks for an interrupt
RETRIES = 2  # of a trial whose Ray worker or node was lost

NextTrial = Callable[[], Trial | None]


def started_cluster() -> Path:
    """The file in which `ray start` writes the address of this machine's cluster: ray.init() joins that one."""
    return Path(os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp") / "ray" / "ray_current_cluster"


class Cluster:
    """Ray for the duration of a sweep: the cluster this program runs in, or one of its own on this machine."""

    def __init__(self, resources: "Resources"):
        self.resources = resources
        self.own = False

    def __enter__(self) -> "Cluster":
        self.own = not (os.environ.get("RAY_ADDRESS") or started_cluster().is_file())
        try:
            ray.init(logging_level=logging.ERROR, log_to_driver=False, configure_logging=True)
        except Exception as error:  # Ray has no class for a start that takes too long
            cause = str(error).splitlines()[0]
            remedy = "" if self.own else " (is that cluster still there? `ray stop` forgets it, RAY_ADDRESS names another)"
            raise ClusterError(f"Ray can't be started or reached: {cause}{remedy}") from error
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.default_int_handler)  # Ray's own handler ends the process on the spot
        return self

    def __exit__(self, *_: object) -> None:
        ray.shutdown()

    @property
    def slots(self) -> int:
        """How many trials run at a time. Raises ClusterError where the cluster can't run a single one."""
        cluster: Any = ray
        total, needed = cluster.cluster_resources(), {"GPU": self.resources.num_gpus, "CPU": self.resources.num_cpus}
        slots = min(int(total.get(name, 0) / amount + 1e-9) for name, amount in needed.items() if amount)
        if slots < 1:
            has = ", ".join(f"{total.get(name, 0):g} {name}" for name in needed)
            asked = ", ".join(f"{amount:g} {name}" for name, amount in needed.items())
            raise ClusterError(
                f"a trial asks for {asked} but the cluster has {has}; "
                f"change resources (num_gpus, num_cpus) in the sweep file or add nodes"
            )
        return slots

    def run(self, next_trial: NextTrial, slots: int) -> Iterator[tuple[Trial, Event]]:
        """Run trials, `slots` at a time, until there are none; yield each one's events, the last of which is its outcome.

        Closing the generator cancels what runs. A trial whose Ray worker was lost is started again, RETRIES times.
        """
        running: dict[ObjectRefGenerator, Trial] = {}
        lost: dict[str, int] = {}
        try:
            while True:
                while len(running) < slots and (trial := next_trial()) is not None:
                    running[self._start(trial)] = trial
                if not running:
                    return
                yield from self._events(running, lost)
        finally:
            for task in running:
                ray.cancel(task, force=True)

    def _start(self, trial: Trial) -> ObjectRefGenerator:
        task = run_on_node.options(num_cpus=self.resources.num_cpus, num_gpus=self.resources.num_gpus, name=trial.adapter)
        return task.remote(trial)

    def _events(
        self, running: dict[ObjectRefGenerator, Trial], lost: dict[str, int]
    ) -> Iterator[tuple[Trial, Event]]:
        untyped: Any = ray  # Ray's types know no generators here
        for task in untyped.wait(list(running), timeout=POLL, fetch_local=False)[0]:
            try:
                event: Event = ray.get(next(task))
            except StopIteration:
                del running[task]
                continue
            except ray.exceptions.RayError as error:
                trial = running.pop(task)
                lost[trial.identity] = lost.get(trial.identity, 0) + 1
                if lost[trial.identity] <= RETRIES:
                    running[self._start(trial)] = trial
                else:
                    yield trial, _given_up(error)
                continue
            yield running[task], event


def _given_up(error: Exception) -> Event:
    cause = str(error).strip().splitlines()
    message = f"the node or its Ray worker was lost {RETRIES + 1} times: {cause[0] if cause else type(error).__name__}"
    return {
        "event": "outcome", "time": time.time(), "kind": FAILED, "error": message,
        "traceback": str(error), "metrics": {}, "log": "", "request": "",
    }  # fmt: skip


@ray.remote(num_returns="streaming", max_retries=0)
def run_on_node(trial: Trial) -> Iterator[Event]:
    """Run one trial on the node that Ray chose, in a scratch folder of that node."""
    scratch = places.cache() / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{trial.adapter}-", dir=scratch))
    try:
        yield from run_trial(trial, folder, places.cache())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
