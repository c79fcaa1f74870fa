"""The process boundary: the stream of events, and workers that fail in every way."""

import os
import subprocess
import sys
import textwrap
import time

import pytest

from experiments.errors import EnvironmentFailed, WorkerDied, WorkerKilled
from experiments.locations import PROJECT, worker_path
from experiments.running import worker_process
from experiments.running.worker_process import Limits

READY = (
    '{"event": "ready", "settings": {}, "versions": {}, "import_seconds": 1, "data_seconds": 0, "build_seconds": 0.5}'
)
DONE = '{"event": "done"}'
GENEROUS = Limits(20.0, 20.0)


@pytest.fixture
def run(tmp_path):
    """run(code, limits) -> events of a worker whose `adapters.worker` is the given code."""

    def start(code, limits=GENEROUS):
        package = tmp_path / "fake" / "adapters"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text("")
        (package / "worker.py").write_text("import os, sys, time, signal\n" + textwrap.dedent(code))
        folder = tmp_path / "trial"
        folder.mkdir(exist_ok=True)
        environment = {**worker_process.worker_environment({}, 1), "PYTHONPATH": str(package.parent)}
        return worker_process.stream(sys.executable, folder, environment, limits)

    return start


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:
        return file.read().split()[2] != "Z"


def gone(pid, seconds=10):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not alive(pid):
            return True
        time.sleep(0.05)
    return False


def test_events_are_streamed_and_saved(run, tmp_path):
    events = list(run(f"print('{READY}'); print('{DONE}')"))
    assert [event["event"] for event in events] == ["ready", "done"]
    assert all(event["time"] <= time.time() for event in events)
    assert len((tmp_path / "trial" / "events.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "killed by SIGSEGV"),
        ("sys.stderr.write('no such kernel'); sys.exit(3)", "exited with status 3.*no such kernel"),
        ("pass", "exited with status 0 without saying done or failed: .its log is empty."),
        (f"print('{READY}')", "without saying done or failed"),
        ("print('Using device 0')", "emitted an invalid event: b'Using device 0'"),
        ('print(\'{"event": "lunch"}\')', "emitted an invalid event"),
        ("print('[1]')", "emitted an invalid event"),
        ('print(\'{"event": "ready"}\')', "event 'ready' has a missing or invalid field 'settings'"),
        (
            'print(\'{"event": "failed", "error": 1, "message": "", "traceback": ""}\')',
            "event 'failed' has a missing or invalid field 'error': 1",
        ),
        ("os.kill(os.getpid(), signal.SIGRTMIN + 3)", "killed by signal 37"),
        ("os.write(1, b'x' * 3_000_000)", "more than 1,048,576 bytes on a line, b'xxx"),
    ],
    ids=[
        "crash",
        "error",
        "no event",
        "no last event",
        "print",
        "unknown event",
        "not an object",
        "missing field",
        "wrong type",
        "unnamed signal",
        "endless line",
    ],
)
def test_a_worker_that_violates_the_protocol_fails(run, code, said):
    with pytest.raises(WorkerDied, match=said):
        list(run(code))


def test_a_killed_worker_is_distinguished_from_one_that_fails(run):
    with pytest.raises(WorkerKilled, match="killed by SIGKILL"):
        list(run("os.kill(os.getpid(), signal.SIGKILL)"))


def test_a_worker_that_sends_events_is_not_stopped_by_the_progress_limit(run):
    events = list(
        run(f"for _ in range(4): print('{READY}', flush=True); time.sleep(0.7)\nprint('{DONE}')", Limits(20.0, 2.0))
    )
    assert len(events) == 5


def test_a_missing_interpreter_is_an_error_with_a_remedy(tmp_path):
    with pytest.raises(
        EnvironmentFailed,
        match="gone/bin/python' can't be started .No such file or directory.; delete the folder of its environment",
    ):
        next(worker_process.stream(tmp_path / "gone" / "bin" / "python", tmp_path, {}, GENEROUS))


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(1.5, 20.0), "time limit; raise time_limit_minutes"),
        (Limits(20.0, 1.5), "made no progress for too long: it hangs"),
    ],
    ids=["time limit", "progress limit"],
)
def test_a_worker_that_hangs_is_killed_with_its_children(run, tmp_path, limits, said):
    code = f"""
    import subprocess
    child = subprocess.Popen(["sleep", "60"])
    open("{tmp_path}/pids", "w").write(f"{{os.getpid()}} {{child.pid}}")
    time.sleep(60)
    """
    start = time.monotonic()
    with pytest.raises(WorkerDied, match=said):
        list(run(code, limits))
    assert time.monotonic() - start < 10
    assert all(gone(int(pid)) for pid in (tmp_path / "pids").read_text().split())


def test_closing_the_stream_kills_the_worker(run, tmp_path):
    events = run(f"open('{tmp_path}/pids', 'w').write(str(os.getpid())); print('{READY}', flush=True); time.sleep(60)")
    assert next(events)["event"] == "ready"
    events.close()
    assert gone(int((tmp_path / "pids").read_text()))


def test_a_worker_does_not_outlive_a_killed_host(tmp_path, built):
    """The real worker waits for its request in a named pipe while its host is killed."""
    python = built("reference").python
    os.mkfifo(tmp_path / "request.json")
    host = f"""
import sys, pathlib, threading, time
sys.path.insert(0, {str(PROJECT)!r})
from experiments.running import worker_process
folder, limits = pathlib.Path({str(tmp_path)!r}), worker_process.Limits(60, 60)
next(worker_process.stream({str(python)!r}, folder, worker_process.worker_environment({{}}, 1), limits))
"""
    process = subprocess.Popen([sys.executable, "-c", host])
    children = f"/proc/{process.pid}/task/{process.pid}/children"
    deadline = time.monotonic() + 20
    pids = []
    while not pids and time.monotonic() < deadline:
        time.sleep(0.1)
        with open(children) as file:
            pids = file.read().split()
    time.sleep(1)  # let it start its thread and open the pipe
    process.kill()
    process.wait()
    assert pids and all(gone(int(pid)) for pid in pids)


FAULTS = """
import resource
bytearray(50_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    bytearray(50_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_freed_memory_is_reused_without_new_page_faults():
    kept = worker_process.worker_environment({}, 1)
    plain = {name: value for name, value in kept.items() if name not in worker_process.MEMORY_VARIABLES}
    faults = [
        int(subprocess.check_output([sys.executable, "-c", FAULTS], env=environment)) for environment in (kept, plain)
    ]
    assert faults[0] < 100 and faults[1] > 1000


def test_a_worker_inherits_only_the_allowed_variables(monkeypatch):
    monkeypatch.setenv("LD_LIBRARY_PATH", "/elsewhere")
    monkeypatch.setenv("PYTHONHOME", "/elsewhere")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret")
    found = worker_process.worker_environment({"TF_CPP_MIN_LOG_LEVEL": "2"}, 3)
    assert found["PYTHONPATH"] == str(worker_path()) and found["OMP_NUM_THREADS"] == "3"
    assert found["TF_CPP_MIN_LOG_LEVEL"] == "2"
    assert not {"LD_LIBRARY_PATH", "PYTHONHOME", "MLFLOW_TRACKING_PASSWORD"} & set(found)
