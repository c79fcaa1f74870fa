"""Ray: one task per trial, a bounded window of them, events as they come. The only module that imports ray."""

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

POLL = 0.5  # seconds between looks for an interrupt
REFRESH = 5.0  # seconds between looks at what the cluster has: nodes come and go
# How often a trial runs again after a fault that is not the framework's own, and which again with a node's device to itself.
RETRIES = {INFRASTRUCTURE: 3, KILLED: 3, MEMORY: 1}
ALONE = (KILLED, MEMORY)
MANY = 1000  # trials; no autoscaler starts as many nodes
BACK_OFF = 2.0  # seconds before the first time, doubled before each next one

NextTrial = Callable[[Callable[[str], bool]], Trial | None]
ShouldPrune = Callable[[Trial, Event], bool]  # whether a trial is to end after this event, an epoch


def started_cluster() -> Path:
    """The file in which `ray start` writes the address of this machine's cluster: ray.init() joins that one."""
    return Path(os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp") / "ray" / "ray_current_cluster"


@dataclass
class Attempt:
    """A trial that runs or is to run: not before `start` (monotonic seconds), with a device to itself if `alone`."""

    trial: Trial
    start: float = 0.0
    alone: bool = False
    faults: Counter[str] = field(default_factory=Counter)

    def again(self, fault: str) -> "Attempt | None":
        """The next attempt after a fault; None where there were too many."""
        self.faults[fault] += 1
        if self.faults[fault] > RETRIES.get(fault, 0):
            return None
        pause = BACK_OFF * 2 ** (self.faults.total() - 1)
        return Attempt(self.trial, time.monotonic() + pause, self.alone or fault in ALONE, self.faults)


class Cluster:
    """Ray for the duration of a sweep: the cluster this program runs in, or one of its own on this machine."""

    def __init__(self, resources: "Resources"):
        self.resources = resources
        self.own = False
        self.has: dict[str, float] = {}
        self.looked = -REFRESH
        self.asked = False

    def __enter__(self) -> "Cluster":
        self.own = not (os.environ.get("RAY_ADDRESS") or started_cluster().is_file())
        try:
            own: dict[str, Any] = (
                {"include_dashboard": False} if self.own else {}
            )  # nobody is told of it, and it takes seconds
            ray.init(logging_level=logging.ERROR, log_to_driver=False, configure_logging=True, **own)
        except Exception as error:  # Ray has no class for a start that takes too long
            cause = str(error).splitlines()[0]
            remedy = (
                "" if self.own else " (is that cluster still there? `ray stop` forgets it, RAY_ADDRESS names another)"
            )
            raise ClusterError(f"Ray can't be started or reached: {cause}{remedy}") from error
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.default_int_handler)  # Ray's own handler ends the process on the spot
        return self

    def __exit__(self, *_: object) -> None:
        if self.asked:
            request_resources(bundles=[])
        ray.shutdown()

    def total(self) -> dict[str, float]:
        """What the cluster's nodes have together."""
        if time.monotonic() - self.looked > REFRESH:
            cluster: Any = ray
            self.has, self.looked = cluster.cluster_resources(), time.monotonic()
        return self.has

    def ask_for_nodes(self, adapters: list[str], trials: int) -> None:
        """Tell an autoscaler how much there is to run: of trials that wait for room Ray itself knows nothing."""
        self.asked = True
        request_resources(
            bundles=[self.needs(adapter) for adapter in itertools.islice(itertools.cycle(adapters), min(trials, MANY))]
        )

    def check(self, adapters: Iterable[str], wait: float = 0.0) -> None:
        """Wait up to so many seconds for nodes. Raises ClusterError where a trial of some adapter could never start."""
        end = time.monotonic() + wait
        for adapter in adapters:
            while not self._fits(self.needs(adapter), {}):
                if time.monotonic() > end:
                    raise ClusterError(self._lacking(adapter))
                time.sleep(POLL)

    def _lacking(self, adapter: str) -> str:
        needs, total = self.needs(adapter), self.total()
        has = ", ".join(f"{total.get(name, 0):g} {name}" for name in needs)
        asked = ", ".join(f"{amount:g} {name}" for name, amount in needs.items())
        return (
            f"a trial of {adapter} asks for {asked} but the cluster has {has}; "
            f"change resources (num_gpus, num_cpus, custom) in the sweep file or add nodes"
        )

    def needs(self, adapter: str) -> dict[str, float]:
        """What a trial of an adapter holds, in Ray's words."""
        resources = self.resources
        amounts = {"GPU": resources.num_gpus, "CPU": resources.num_cpus, **resources.custom.get(adapter, {})}
        return {name: amount for name, amount in amounts.items() if amount}

    def _fits(self, needs: Mapping[str, float], used: Mapping[str, float]) -> bool:
        total = self.total()
        return all(used.get(name, 0.0) + amount <= total.get(name, 0.0) + 1e-9 for name, amount in needs.items())

    def run(self, next_trial: NextTrial, should_prune: ShouldPrune = lambda *_: False) -> Iterator[tuple[Trial, Event]]:
        """Run trials, as many at a time as the cluster has room for, until there are none; yield each one's events.

        The last event of a trial is its outcome. After a fault that is not the framework's own a trial starts again, with the
        event "started", RETRIES times. A trial that should be pruned is cancelled: "pruned". Closing the generator cancels what runs.
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
        """Start what is due, then new trials while there is room. Whether anything runs."""
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
            used.update(self.needs(attempt.trial.adapter))  # of one that runs alone too: Ray lets it wait
        return used

    def _room(self, used: Mapping[str, float], adapter: str) -> bool:
        """Whether a trial of this adapter fits in beside what is used. One always does: without a node Ray lets it wait for one."""
        return not used or self._fits(self.needs(adapter), used)

    def _start(self, attempt: Attempt) -> ObjectRefGenerator:
        return run_on_node.options(**self._options(attempt)).remote(attempt.trial)

    def _options(self, attempt: Attempt) -> dict[str, Any]:
        """What Ray is told of an attempt."""
        needs = self.needs(attempt.trial.adapter) | (self._whole() if attempt.alone else {})
        gpus, cpus = needs.pop("GPU", 0), needs.pop("CPU", 0)
        return {"num_cpus": cpus, "num_gpus": gpus, "resources": needs, "name": attempt.trial.adapter}

    def _whole(self) -> dict[str, float]:
        """Whole GPUs, or every CPU of the node that has most: nothing else then uses that memory."""
        cluster: Any = ray
        if self.resources.num_gpus:
            return {"GPU": math.ceil(self.resources.num_gpus)}
        return {"CPU": max(node["Resources"].get("CPU", 0) for node in cluster.nodes() if node["Alive"])}

    def _events(
        self, running: dict[ObjectRefGenerator, Attempt], later: list[Attempt]
    ) -> Iterator[tuple[ObjectRefGenerator, Trial, Event]]:
        untyped: Any = ray  # Ray's types know no generators here
        if not running:
            time.sleep(POLL)
            return
        for task in untyped.wait(list(running), timeout=POLL, fetch_local=False)[0]:
            try:
                event: Event = ray.get(next(task))
            except StopIteration:
                del running[task]
                continue
            except (
                ray.exceptions.LocalRayletDiedError
            ) as error:  # the driver's own: no other trial could start any more
                raise ClusterError(
                    "Ray's raylet on this machine has died: what is done is kept; start Ray again if the cluster is yours, "
                    "and the same command goes on"
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
    said = f"the node or its Ray worker was lost: {cause[0] if cause else type(error).__name__}"
    return _outcome(FAILED, said, fault=INFRASTRUCTURE, traceback=str(error))


def _pruned(trial: Trial, epoch: Event) -> Event:
    """The outcome of a trial that was ended after an epoch."""
    done = f"epoch {epoch['epoch'] + 1} of {trial.workload.epochs}"
    return _outcome(
        PRUNED, f"accuracy {epoch['accuracy']:.3f} after {done} is below what half of the trials had reached by then"
    )


def _outcome(kind: str, error: str, fault: str = "", traceback: str = "") -> Event:
    """An outcome that is told here, and not by the trial itself."""
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
    """Run one trial on the node that Ray chose, in a scratch folder of that node."""
    with temporary.folder(locations.cache() / "scratch", trial.adapter) as folder:
        yield from run_trial(trial, folder, locations.cache())
