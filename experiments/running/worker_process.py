"""Starts a worker, streams its events, and ends it with all its descendants. adapters/worker.py has the protocol."""

import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from experiments.errors import EnvironmentFailed, WorkerDied, WorkerKilled
from experiments.locations import worker_path
from experiments.trials import events
from experiments.trials.trial import Event

# The only variables that a worker inherits: Ray's PYTHONPATH, PYTHONHOME and LD_LIBRARY_PATH are for another Python.
INHERITED = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_VISIBLE_DEVICES",
    "OPENBLAS_CORETYPE",
)
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# The process keeps the memory that a step frees, in one arena for all threads (glibc; others ignore these). Otherwise
# the next step's arrays are new pages that the kernel clears: up to a third of a step's time, another in each process.
MEMORY_VARIABLES = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**40), "MALLOC_ARENA_MAX": "1"}
LOG_LIMIT = 200_000  # bytes of the log that are kept
LOG_TAIL = 20  # lines of the log that an error quotes
OVERRUN = "the trial ran past its time limit; raise time_limit_minutes in the sweep file"
STALLED = (
    "the trial made no progress for too long: it hangs, or an epoch takes longer; "
    "raise progress_limit_minutes in the sweep file"
)
LONGEST_LINE = 2**20  # bytes of an event; a worker writes none that long, and it would fill the memory
SIGNALS = {signal.value: signal.name for signal in signal.Signals}  # real-time signals have no names

_running: set[subprocess.Popen[bytes]] = set()  # of all threads


def worker_environment(variables: dict[str, str], threads: int) -> dict[str, str]:
    """The environment variables a worker starts with. Raises EnvironmentFailed where the cache can't be written."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    ours = {"PYTHONPATH": str(worker_path()), "PYTHONNOUSERSITE": "1", "PYTHONHASHSEED": "0"}
    return inherited | ours | MEMORY_VARIABLES | dict.fromkeys(THREAD_VARIABLES, str(threads)) | variables


@dataclass(frozen=True)
class Limits:
    """Seconds that a worker may take in total, and between two events."""

    total: float
    progress: float


def stream(python: Path, folder: Path, environment: dict[str, str], limits: Limits) -> Iterator[Event]:
    """Run the request in `folder` and yield its events as they come; each gets "time", seconds since the epoch.

    Leaves events.jsonl and worker.log in the folder. Closing the generator ends the worker and its descendants.
    Raises WorkerDied if it ends without done or failed, breaks the protocol, or runs past a limit; EnvironmentFailed if
    it can't be started.
    """
    with (folder / "worker.log").open("wb") as log, (folder / "events.jsonl").open("w") as copy:
        process = _started(python, folder, environment, log)
        _running.add(process)
        try:
            yield from _events(process, folder, copy, limits)
        finally:
            _running.discard(process)
            _end(process)


def _started(python: Path, folder: Path, environment: dict[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            [str(python), "-m", "adapters.worker", str(folder)],
            stdin=subprocess.PIPE,  # closed when this process ends, for whatever reason: the worker then ends too
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
    except OSError as error:  # an environment outlives the interpreter that it was made with
        raise EnvironmentFailed(
            f"'{python}' can't be started ({error.strerror}); delete the folder of its environment: "
            f"the next run builds it again"
        ) from error


def kill_all() -> None:
    """Kill the workers of this process, in all threads: their streams raise WorkerDied."""
    for process in list(_running):
        _kill(process)


def _events(process: subprocess.Popen[bytes], folder: Path, copy: IO[str], limits: Limits) -> Iterator[Event]:
    assert process.stdout
    for line in _lines(process.stdout, limits):
        event = _parse(line, folder)
        copy.write(json.dumps(event) + "\n")
        copy.flush()
        yield event
        if event["event"] in ("done", "failed"):
            return
    how = _how_it_ended(process)
    kind = WorkerKilled if process.returncode == -signal.SIGKILL else WorkerDied
    raise kind(f"the worker {how} without saying done or failed: {tail(folder)}")


def _lines(pipe: IO[bytes], limits: Limits) -> Iterator[bytes]:
    """Yield lines as they come, until end of file. Raises WorkerDied past a limit."""
    buffer, start, last = b"", time.monotonic(), time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            end, progress = start + limits.total, last + limits.progress
            if not selector.select(max(0.0, min(end, progress) - time.monotonic())):
                raise WorkerDied(OVERRUN if end <= progress else STALLED)
            chunk = os.read(pipe.fileno(), 65536)
            if not chunk:
                return
            *lines, buffer = (buffer + chunk).split(b"\n")
            yield from lines
            if len(buffer) > LONGEST_LINE:
                raise WorkerDied(
                    f"the worker emitted an invalid event: more than {LONGEST_LINE:,} bytes on a line, {buffer[:80]!r}"
                )
            last = time.monotonic() if lines else last


def _parse(line: bytes, folder: Path) -> Event:
    try:
        event = events.parsed(line, events.WORKER_EVENTS)
    except ValueError as error:
        raise WorkerDied(
            f"the worker emitted an invalid event: {line[:80]!r} ({error}); its log ends: {tail(folder)}"
        ) from error
    return {**event, "time": time.time()}


def _how_it_ended(process: subprocess.Popen[bytes]) -> str:
    try:
        status = process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        return "closed its output"
    return (
        f"was killed by {SIGNALS.get(-status, f'signal {-status}')}" if status < 0 else f"exited with status {status}"
    )


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _end(process: subprocess.Popen[bytes]) -> None:
    _kill(process)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()


def tail(folder: Path) -> str:
    """The last lines of a worker's log, on one line."""
    lines = end_of(folder / "worker.log", LOG_LIMIT).strip().splitlines()[-LOG_TAIL:]
    return " | ".join(lines) or "(its log is empty)"


def end_of(path: Path, limit: int) -> str:
    """The last `limit` bytes of a file as text; also of a log that filled the disk."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - limit))
        return file.read(limit).decode(errors="replace")
