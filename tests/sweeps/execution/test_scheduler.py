"""Several nodes with declared GPUs on one machine: which trial gets which device, and what a lost node costs."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import ray
import yaml

from experiments.errors import ClusterError
from experiments.locations import PROJECT
from experiments.trials.trial import INFRASTRUCTURE, KILLED, MEMORY
from sweeps.execution.scheduler import ALONE, RETRIES, Attempt, Cluster
from sweeps.planning.config import Resources

pytestmark = pytest.mark.xdist_group("ray")


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    """A head without devices and two nodes with two GPUs each; the second has the resource cuda10. Own caches."""
    from ray.cluster_utils import Cluster as Nodes

    temporary = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # short: Ray's sockets lie below it
    patch = pytest.MonkeyPatch()
    patch.setenv("RAY_TMPDIR", temporary)  # else Ray tells every other driver on this machine to join these nodes
    caches = [tmp_path_factory.mktemp(name) for name in ("first", "second")]
    made = Nodes(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for cache, custom in zip(caches, ({}, {"cuda10": 1}), strict=True):
        made.add_node(
            num_cpus=2, num_gpus=2, resources=custom, env_vars={"ROSETTA_CACHE": str(cache), "PYTHONPATH": str(PROJECT)}
        )
    yield SimpleNamespace(address=made.address, caches=caches, nodes=made)
    ray.shutdown()
    made.shutdown()
    patch.undo()
    shutil.rmtree(temporary, ignore_errors=True)


class Probe(Cluster):
    """The scheduler as it is, with trials that say where they are, wait a little and then end as they are told to."""

    def _start(self, attempt):
        return probe.options(**self._options(attempt)).remote(attempt.trial, attempt.faults.total())


@ray.remote(num_returns="streaming", max_retries=0)
def probe(trial, attempt):
    where = {
        "node": ray.get_runtime_context().get_node_id(),
        "devices": os.environ.get("CUDA_VISIBLE_DEVICES", ""),
        "attempt": attempt,
    }
    yield {"event": "started", "time": time.time(), "host": "", **where}
    time.sleep(trial.seconds)
    fault = trial.faults[attempt] if attempt < len(trial.faults) else ""
    kind = "failed" if fault else "completed"
    yield {
        "event": "outcome",
        "time": time.time(),
        "kind": kind,
        "fault": fault,
        "error": fault,
        "metrics": {},
        **where,
    }


def trials(count, adapter="pytorch", seconds=0.5, faults=()):
    return [
        SimpleNamespace(identity=f"{adapter}-{number}", adapter=adapter, seconds=seconds, faults=faults)
        for number in range(count)
    ]


@pytest.fixture
def run(nodes, monkeypatch):
    """run(trials, resources) -> {identity: its events}, of trials that are handed out when they fit."""
    monkeypatch.setenv("RAY_ADDRESS", nodes.address)
    return run_all


def run_all(waiting, wait=0.0, events=None, **resources):
    """events: where they go as they come, for those who watch."""
    waiting, events = list(waiting), defaultdict(list) if events is None else events

    def next_trial(fits):
        found = next((trial for trial in waiting if fits(trial.adapter)), None)
        if found:
            waiting.remove(found)
        return found

    with Probe(Resources(**resources)) as cluster:
        adapters = list({trial.adapter for trial in waiting})
        if wait:
            cluster.ask_for_nodes(adapters, len(waiting))
        cluster.check(adapters, wait)
        for trial, event in cluster.run(next_trial):
            events[trial.identity].append(event)
    return events


def together(events):
    """{(node, device): how many trials were on it at once, at most}."""
    changes = defaultdict(list)
    for started, outcome in events.values():
        for device in started["devices"].split(","):
            changes[started["node"], device] += [(started["time"], 1), (outcome["time"], -1)]
    most = {}
    for device, found in changes.items():
        held, most[device] = 0, 0
        for _, change in sorted(found):
            held += change
            most[device] = max(most[device], held)
    return most


def test_a_gpu_is_never_shared_by_trials_that_ask_for_one(run):
    most = together(run(trials(12), num_gpus=1, num_cpus=0.5))
    assert len(most) == 4 and set(most.values()) == {1}


def test_half_a_gpu_is_shared_by_two(run):
    most = together(run(trials(16), num_gpus=0.5, num_cpus=0.5))
    assert len(most) == 4 and set(most.values()) == {2}


def test_what_needs_an_old_gpu_waits_for_it_and_holds_nobody_up(run):
    mixed = [*trials(4, "cntk"), *trials(6, "pytorch")]
    events = run(mixed, num_gpus=1, num_cpus=0.5, custom={"cntk": {"cuda10": 1}})
    old = {events[f"cntk-{number}"][0]["node"] for number in range(4)}
    assert len(old) == 1 and len(events) == 10
    last_of_others = max(events[f"pytorch-{number}"][1]["time"] for number in range(6))
    assert last_of_others < max(events[f"cntk-{number}"][1]["time"] for number in range(4))


def test_what_no_node_has_is_one_line(run):
    with pytest.raises(
        ClusterError, match="a trial of cntk asks for 1 GPU, 0.5 CPU, 1 cuda9 but the cluster has 4 GPU, 4 CPU, 0 cuda9"
    ):
        run(trials(1, "cntk"), num_gpus=1, num_cpus=0.5, custom={"cntk": {"cuda9": 1}})


def test_out_of_memory_runs_again_once_with_the_device_to_itself(run):
    events = run(trials(4, seconds=1.0, faults=[MEMORY]), num_gpus=0.5, num_cpus=0.5)
    for found in events.values():
        first, second, outcome = found
        assert (first["attempt"], second["attempt"], outcome["kind"]) == (0, 1, "completed")
    alone = {identity: found[1:] for identity, found in events.items()}
    assert set(together(alone).values()) == {1}


def test_what_fails_too_often_is_an_outcome(run):
    (found,) = run(trials(1, seconds=0.1, faults=[MEMORY] * 3), num_gpus=0.5, num_cpus=0.5).values()
    assert [event["event"] for event in found] == ["started", "started", "outcome"] and found[-1]["error"] == MEMORY


def test_each_fault_has_its_bound_and_a_longer_pause_before_each_next_attempt():
    for fault, bound in RETRIES.items():
        attempt, pauses = Attempt(trial=None), []
        while following := attempt.again(fault):
            pauses.append(following.start - time.monotonic())
            assert following.alone == (fault in ALONE)
            attempt = following
        assert len(pauses) == bound and pauses == sorted(pauses)
    assert Attempt(trial=None).again("") is None and {INFRASTRUCTURE, KILLED, MEMORY} == RETRIES.keys()


def test_a_driver_that_lost_its_own_raylet_ends_and_counts_no_trial_as_failed(monkeypatch):
    """A double: Ray mostly ends such a driver itself, and sometimes leaves it alone."""

    def died(event):
        raise ray.exceptions.LocalRayletDiedError

    (trial,), task = trials(1), iter(["event"])
    monkeypatch.setattr(ray, "wait", lambda *_, **__: ([task], []))
    monkeypatch.setattr(ray, "get", died)
    with pytest.raises(ClusterError, match="raylet on this machine has died; completed trials are saved"):
        next(Cluster(Resources())._events({task: Attempt(trial)}, []))


def test_a_sweep_that_lost_every_node_waits_for_one_and_does_not_end(monkeypatch):
    cluster, running = Cluster(Resources()), [Attempt(trial) for trial in trials(1)]
    monkeypatch.setattr(cluster, "total", dict)
    assert cluster._room(cluster._used([]), "pytorch") and not cluster._room(cluster._used(running), "pytorch")


def test_a_sweep_on_several_nodes_prepares_each_once(nodes, tmp_path):
    """Real trials; each node has a cache of its own, as nodes have."""
    sweep = {
        "name": "nodes",
        "workload": {"name": "digits_cnn", "epochs": 1, "filters": [4, 8], "hidden": 16, "train_examples": 128},
        "adapters": ["reference"],
        "design": "one-at-a-time",
        "settings": {"relu": ["before_pool", "after_pool"]},
        "seeds": 3,
        "unverified": True,
    }
    (tmp_path / "nodes.yaml").write_text(yaml.safe_dump(sweep))
    done = subprocess.run(
        [sys.executable, str(PROJECT / "sweep.py"), "run", "nodes.yaml", "--home", str(tmp_path), "--json"],
        cwd=tmp_path,
        env={**os.environ, "RAY_ADDRESS": nodes.address},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outcomes"] == {"completed": 9, "diverged": 0, "failed": 0}
    for cache in nodes.caches:
        (log,) = cache.glob("environments/*.log")
        assert log.read_text().count(" venv ") == 1
        assert not list((cache / "scratch").iterdir())


def test_a_node_that_is_lost_takes_no_trial_with_it(nodes, run):
    """A node that alone has what the trial needs, and another one like it later."""
    like_it = {"num_cpus": 1, "num_gpus": 1, "resources": {"short_lived": 1}, "env_vars": {"PYTHONPATH": str(PROJECT)}}
    first = nodes.nodes.add_node(**like_it)
    events = defaultdict(list)
    with ThreadPoolExecutor(1) as pool:  # Ray adds nodes in the main thread only
        running = pool.submit(
            run, trials(1, seconds=6.0), events=events, num_gpus=1, num_cpus=1, custom={"pytorch": {"short_lived": 1}}
        )
        while not events and not running.done():  # a busy machine takes its time to start a trial
            time.sleep(0.1)
        nodes.nodes.remove_node(first, allow_graceful=False)
        nodes.nodes.add_node(**like_it)
        (found,) = running.result().values()
    assert [event["event"] for event in found] == ["started", "started", "outcome"]
    assert found[-1]["kind"] == "completed" and found[0]["node"] != found[-1]["node"]


def test_a_cluster_that_lacks_a_node_is_asked_for_it_and_waited_for(nodes, run):
    from ray.autoscaler._private.constants import AUTOSCALER_RESOURCE_REQUEST_CHANNEL
    from ray.experimental.internal_kv import _internal_kv_get

    asked = []
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run, trials(3, "cntk"), wait=60.0, num_gpus=1, num_cpus=0.5, custom={"cntk": {"late": 1}})
        time.sleep(3.0)
        assert not running.done()
        asked = json.loads(_internal_kv_get(AUTOSCALER_RESOURCE_REQUEST_CHANNEL))
        nodes.nodes.add_node(num_cpus=1, num_gpus=1, resources={"late": 1}, env_vars={"PYTHONPATH": str(PROJECT)})
        assert len(running.result()) == 3
    assert asked == [{"GPU": 1, "CPU": 0.5, "late": 1}] * 3
