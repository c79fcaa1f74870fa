"""Ray: runs one task per trial, as many at a time as fit, and yields their events. The only module that imports ray."""

import itertools
import logging
import math
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray
from ray import ObjectRefGenerator
from ray.autoscaler.sdk import request_resources

from experiments import locations
from experiments.errors import ClusterError
from experiments.running import temporary
from experiments.running.runner import run_trial
from experiments.trials.trial import FAILED, INFRASTRUCTURE, KILLED, MEMORY, PRUNED, Event, Trial

if TYPE_CHECKING:  # a Ray worker starts faster without pydantic
    from sweeps.planning.sweep_file import Resources

POLL = 0.5  # seconds between checks for an interrupt
REFRESH = 5.0  # seconds between queries of the cluster's resources, which change with its nodes
# How often a trial is retried after a fault that the framework did not cause.
RETRIES = {INFRASTRUCTURE: 3, KILLED: 3, MEMORY: 1}
ALONE = (KILLED, MEMORY)  # faults after which the trial is retried alone on a node's device
MANY = 1000  # trials that an autoscaler is told of; it never starts as many nodes
BACK_OFF = 2.0  # seconds before the first retry, doubled before each further one

NextTrial = Callable[[Callable[[str], bool]], Trial | None]
ShouldPrune = Callable[[Trial, Event], bool]  # whether to stop a trial after this epoch event


def started_cluster() -> Path:
    """The file with the address of the cluster that `ray start` runs on this machine; ray.init() joins that cluster."""
    return Path(os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp") / "ray" / "ray_current_cluster"


@dataclass
class Attempt:
    """One attempt to run a trial, not before `start` (monotonic seconds). alone: whether it gets a whole device."""

    trial: Trial
    start: float = 0.0
    alone: bool = False
    faults: Counter[str] = field(default_factory=Counter)

    def again(self, fault: str) -> "Attempt | None":
        """The next attempt after a fault; None after too many."""
        self.faults[fault] += 1
        if self.faults[fault] > RETRIES.get(fault, 0):
            return None
        pause = BACK_OFF * 2 ** (self.faults.total() - 1)
        return Attempt(self.trial, time.monotonic() + pause, self.alone or fault in ALONE, self.faults)


class Cluster:
    """Ray during a sweep: the cluster that this program runs in, or a new one on this machine."""

    def __init__(self, resources: "Resources"):
        self.resources = resources
        self.own = False
        self.has: dict[str, float] = {}
        self.looked = -REFRESH
        self.requested = False

    def __enter__(self) -> "Cluster":
        self.own = not (os.environ.get("RAY_ADDRESS") or started_cluster().is_file())
        try:
            # A cluster of its own ends with the sweep; a dashboard would take seconds to start.
            own: dict[str, Any] = {"include_dashboard": False} if self.own else {}
            ray.init(logging_level=logging.ERROR, log_to_driver=False, configure_logging=True, **own)
        except Exception as error:  # Ray has no error class for a start that times out
            cause = str(error).splitlines()[0]
            remedy = "" if self.own else "; check that the cluster runs, forget it with `ray stop`, or set RAY_ADDRESS"
            raise ClusterError(f"Ray can't be started or reached: {cause}{remedy}") from error
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.default_int_handler)  # Ray's handler ends the process at once
        return self

    def __exit__(self, *_: object) -> None:
        if self.requested:
            request_resources(bundles=[])
        ray.shutdown()

    def total(self) -> dict[str, float]:
        """The resources of all nodes of the cluster together."""
        if time.monotonic() - self.looked > REFRESH:
            cluster: Any = ray
            self.has, self.looked = cluster.cluster_resources(), time.monotonic()
        return self.has

    def ask_for_nodes(self, adapters: list[str], trials: int) -> None:
        """Tell an autoscaler how many trials there are: Ray does not know of trials that are not submitted yet."""
        self.requested = True
        request_resources(
            bundles=[self.needs(adapter) for adapter in itertools.islice(itertools.cycle(adapters), min(trials, MANY))]
        )

    def check(self, adapters: Iterable[str], wait: float = 0.0) -> None:
        """Raises ClusterError if a trial of some adapter can never start. wait: seconds to wait for nodes."""
        end = time.monotonic() + wait
        for adapter in adapters:
            while not self._fits(self.needs(adapter), {}):
                if time.monotonic() > end:
                    raise ClusterError(self._lacking(adapter))
                time.sleep(POLL)

    def _lacking(self, adapter: str) -> str:
        needs, total = self.needs(adapter), self.total()
        has = ", ".join(f"{total.get(name, 0):g} {name}" for name in needs)
        required = ", ".join(f"{amount:g} {name}" for name, amount in needs.items())
        return (
            f"a trial of {adapter} asks for {required} but the cluster has {has}; "
            f"change resources (num_gpus, num_cpus, custom) in the sweep file or add nodes"
        )

    def needs(self, adapter: str) -> dict[str, float]:
        """{Ray resource: amount} that a trial of an adapter holds."""
        resources = self.resources
        amounts = {"GPU": resources.num_gpus, "CPU": resources.num_cpus, **resources.custom.get(adapter, {})}
        return {name: amount for name, amount in amounts.items() if amount}

    def _fits(self, needs: Mapping[str, float], used: Mapping[str, float]) -> bool:
        total = self.total()
        return all(used.get(name, 0.0) + amount <= total.get(name, 0.0) + 1e-9 for name, amount in needs.items())

    def run(self, next_trial: NextTrial, should_prune: ShouldPrune = lambda *_: False) -> Iterator[tuple[Trial, Event]]:
        """Run trials, as many at a time as fit on the cluster, until none is left; yields each trial's events.

        The last event of a trial is its outcome. After a fault that the framework did not cause, a trial is retried up
        to RETRIES times, with a new "started" event. A trial that should be pruned is canceled; its outcome is
        "pruned". Closing the generator cancels the running trials.
        """
        running: dict[ObjectRefGenerator, Attempt] = {}
        later: list[Attempt] = []
        try:
            while self._fill(running, later, next_trial) or later:
                for task, trial, event in self._events(running, later):
                    yield trial, event
                    if event["event"] == "epoch" and should_prune(trial, event):
                        ray.cancel(task, force=True)
                        del running[task]
                        yield trial, _pruned(trial, event)
        finally:
            for task in running:
                ray.cancel(task, force=True)

    def _fill(self, running: dict[ObjectRefGenerator, Attempt], later: list[Attempt], next_trial: NextTrial) -> bool:
        """Start retries that are due, then new trials while they fit. Returns whether any trial runs."""
        for attempt in [attempt for attempt in later if attempt.start <= time.monotonic()]:
            later.remove(attempt)
            running[self._start(attempt)] = attempt
        while trial := next_trial(partial(self._room, self._used(running.values()))):
            attempt = Attempt(trial)
            running[self._start(attempt)] = attempt
        return bool(running)

    def _used(self, attempts: Iterable[Attempt]) -> Counter[str]:
        used: Counter[str] = Counter()
        for attempt in attempts:
            used.update(self.needs(attempt.trial.adapter))  # a retry alone counts as much: Ray makes it wait
        return used

    def _room(self, used: Mapping[str, float], adapter: str) -> bool:
        """Whether a trial of this adapter fits beside the used resources. A first trial may always wait for a node."""
        return not used or self._fits(self.needs(adapter), used)

    def _start(self, attempt: Attempt) -> ObjectRefGenerator:
        return run_on_node.options(**self._options(attempt)).remote(attempt.trial)

    def _options(self, attempt: Attempt) -> dict[str, Any]:
        """The options of an attempt's Ray task."""
        needs = self.needs(attempt.trial.adapter) | (self._whole() if attempt.alone else {})
        gpus, cpus = needs.pop("GPU", 0), needs.pop("CPU", 0)
        return {"num_cpus": cpus, "num_gpus": gpus, "resources": needs, "name": attempt.trial.adapter}

    def _whole(self) -> dict[str, float]:
        """Whole GPUs, or all CPUs of the largest node, so that no other trial uses the same memory."""
        cluster: Any = ray
        if self.resources.num_gpus:
            return {"GPU": math.ceil(self.resources.num_gpus)}
        return {"CPU": max(node["Resources"].get("CPU", 0) for node in cluster.nodes() if node["Alive"])}

    def _events(
        self, running: dict[ObjectRefGenerator, Attempt], later: list[Attempt]
    ) -> Iterator[tuple[ObjectRefGenerator, Trial, Event]]:
        untyped: Any = ray  # Ray's type hints lack generators
        if not running:
            time.sleep(POLL)
            return
        for task in untyped.wait(list(running), timeout=POLL, fetch_local=False)[0]:
            try:
                event: Event = ray.get(next(task))
            except StopIteration:
                del running[task]
                continue
            except ray.exceptions.LocalRayletDiedError as error:  # without it, no further trial can start
                raise ClusterError(
                    "Ray's raylet on this machine has died; completed trials are saved; "
                    "restart Ray if you started it, then rerun the same command to resume"
                ) from error
            except ray.exceptions.RayError as error:
                event = _lost(error)
            attempt = running[task]
            if event["event"] == "outcome":
                del running[task]
                if event["fault"] and (again := attempt.again(event["fault"])):
                    later.append(again)
                    continue
            yield task, attempt.trial, event


def _lost(error: Exception) -> Event:
    """The outcome of a trial whose Ray worker or node was lost."""
    cause = str(error).strip().splitlines()
    message = f"the node or its Ray worker was lost: {cause[0] if cause else type(error).__name__}"
    return _outcome(FAILED, message, fault=INFRASTRUCTURE, traceback=str(error))


def _pruned(trial: Trial, epoch: Event) -> Event:
    """The outcome of a trial that was pruned after an epoch."""
    done = f"epoch {epoch['epoch'] + 1} of {trial.workload.epochs}"
    return _outcome(PRUNED, f"accuracy {epoch['accuracy']:.3f} after {done} is below the median of the other trials")


def _outcome(kind: str, error: str, fault: str = "", traceback: str = "") -> Event:
    """An outcome that the scheduler reports instead of the trial."""
    return {
        "event": "outcome",
        "time": time.time(),
        "kind": kind,
        "fault": fault,
        "error": error,
        "traceback": traceback,
        "metrics": {},
        "log": "",
        "request": "",
    }


@ray.remote(num_returns="streaming", max_retries=0)
def run_on_node(trial: Trial) -> Iterator[Event]:
    """Run one trial on the node that Ray chose, in a temporary folder of that node."""
    with temporary.folder(locations.cache() / "scratch", trial.adapter) as folder:
        yield from run_trial(trial, folder, locations.cache())
