"""Targets: a strategy of inputs, and a function that reads an input and returns "accepted" or the name of the error."""

import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
from hypothesis import strategies as st

from adapters import load_spec
from experiments.errors import LONGEST, RosettaError
from experiments.locations import PROJECT
from experiments.preparation import certificates, datasets
from experiments.preparation.datasets import images
from experiments.recording import writer
from experiments.running import runner
from experiments.trials import events
from experiments.trials.records import TrialRecord, description
from experiments.trials.trial import Trial
from experiments.trials.workload import workload_named
from experiments.verification import transfer
from sweeps.execution import progress
from sweeps.planning import config, planner
from sweeps.planning import plan as plans
from sweeps.reporting import claims, html, publish, tables
from sweeps.reporting.results import Results, summary
from tests.sweeps.reporting.test_report import record as demo_record
from tests.torture.malformed import as_json, as_yaml, files, hostile_yaml, spoiled


class Target(NamedTuple):
    inputs: st.SearchStrategy[Any]
    act: Callable[[Any, Path], str]  # (input, empty folder) -> the result
    slow: bool = False  # whether each input starts a process


def refused(call, *arguments) -> str:
    """The result of a call. It may only raise a RosettaError of one printable line."""
    try:
        call(*arguments)
    except RosettaError as error:
        said = str(error)
        assert said and said.isprintable() and len(said) <= LONGEST + 5, said
        return type(error).__name__
    return "accepted"


# Sweep files and claims files

GOOD = {
    "name": "good",
    "workload": {"name": "digits_cnn", "epochs": 2, "filters": [4, 8]},
    "adapters": ["reference", "pytorch"],
    "design": "one-at-a-time",
    "settings": {"init": ["native", "glorot_uniform"], "layout": ["nchw", "nhwc"]},
    "fixed": {"relu": "after_pool"},
    "seeds": [0, 3],
    "resources": {"num_cpus": 1.0, "num_gpus": 0.0},
    "smallest_effect": {"accuracy": 0.5, "time": 3.0},
    "time_limit_minutes": 1.5,
    "keep_weights": True,
}
PATH = {
    "name": "p",
    "workload": {"name": "imdb_gru"},
    "adapters": ["lasagne", "caffe2"],
    "design": "path",
    "permutations": 2,
    "seeds": 1,
}
FRACTION = {**GOOD, "design": "fractional", "resolution": 3, "foldover": True, "unverified": True, "fixed": {}}
SEARCH = {**GOOD, "design": "search", "trials": 5, "sampler": "random"}
PRESETS = {
    "name": "s",
    "workload": {"name": "fashion_cnn", "train_examples": 9},
    "adapters": ["cntk"],
    "design": "presets",
    "presets": ["native", "matched"],
}
CLAIMS = {
    "source": "an article",
    "sweeps": [GOOD],
    "claims": [
        {
            "lesson": "6",
            "published": "it costs",
            "sweep": "good",
            "setting": "init",
            "choice": "lecun_normal",
            "baseline": "glorot_uniform",
            "metric": "accuracy",
            "direction": "less",
            "adapter": "pytorch",
            "effect": -1.0,
        }
    ],
}


def planned(path):
    declared = config.load(path)
    if len(declared.seeds) < 20:  # more seeds take longer and test nothing else
        json.dumps(planner.plan(declared).as_dict(), allow_nan=False)


def sweep_file(content, folder):
    path = folder / "x.yaml"
    path.write_bytes(content)
    return refused(planned, path)


def claims_file(content, folder):
    path = folder / "x.yaml"
    path.write_bytes(content)
    return refused(claims.load, path)


def sweep_name(name, folder):
    said = refused(config.checked_name, name)
    assert said == "SweepError" or (folder / name).parent == folder
    return said


# The events of a worker

TRIAL = Trial(
    "reference",
    workload_named("digits_cnn"),
    load_spec("reference").native("cnn"),
    0,
    "cpu",
    1,
    time_limit=20.0,
    unverified=True,
)
READY = {
    "event": "ready",
    "settings": dict(TRIAL.configuration),
    "versions": {"framework": "2.3.5"},
    "import_seconds": 1.0,
    "data_seconds": 0.1,
    "build_seconds": 0.2,
}
EPOCH = {"event": "epoch", "epoch": 0, "loss": 1.0, "accuracy": 0.5, "train_seconds": 1.0, "evaluate_seconds": 0.5}
DONE = {"event": "done", "diverged": False, "accuracy": 0.5, "train_seconds": 1.0, "step_ms_median": 3.0}
CASE = {"event": "case", "name": "x", "settings": {}, "versions": {}, "error": ""}
FAILED = {"event": "failed", "error": "ValueError", "message": "no\nsuch", "traceback": "..."}
STREAM = [READY, EPOCH, {**EPOCH, "loss": None}, DONE]


def as_lines(document):
    return b"".join(as_json(line) + b"\n" for line in (document if isinstance(document, list) else [document]))


class ScriptedEnvironment(NamedTuple):
    """An environment whose interpreter prints the file `said` of the trial's folder, instead of running a framework."""

    spec: Any
    device: str
    cache: Path

    @property
    def python(self):
        return self.cache / "python"

    def create(self):
        self.python.write_text('#!/bin/sh\nexec cat "$3/said"\n')
        self.python.chmod(0o755)


def worker_stream(said, folder):
    """The trial always has an outcome, and all later readers accept its events."""
    (folder / "said").write_bytes(said)
    with (
        mock.patch.object(runner, "Environment", ScriptedEnvironment),
        mock.patch.object(datasets, "prepare", lambda name, cache: cache),
    ):
        found = list(runner.run_trial(TRIAL, folder, folder))
    kept = TrialRecord(folder / "kept").create(TRIAL)
    for event in found:
        kept.append(event)
        writer.event_metrics(event), writer.event_tags(event)
        assert event["event"] == "outcome" or progress._state(event, TRIAL)
    assert len(kept.events()) == len(found) and kept.outcome() == kept.events()[-1]
    outcome = found[-1]
    assert outcome["error"].isprintable() and (outcome["kind"] == "failed") == bool(outcome["error"])
    return (
        f"outcome {outcome['kind']}: {outcome['error'].split(':')[0]}"
        if outcome["error"]
        else f"outcome {outcome['kind']}"
    )


# The request and the data of a worker

TINY = workload_named("digits_cnn").with_overrides(filters=(2, 2), hidden=4, batch_size=4, epochs=1, train_examples=8)
REQUEST = Trial("reference", TINY, load_spec("reference").native("cnn"), 0, "cpu", 1).request("train", "data")
SERVER = """
import os, resource, sys
from adapters import worker
lifeline = os.pipe()
for folder in map(str.strip, sys.stdin):
    child = os.fork()
    if not child:
        os.setsid()
        os.chdir(folder)
        os.dup2(lifeline[0], 0)
        for number, name in ((1, "said"), (2, "worker.log")):
            os.dup2(os.open(name, os.O_CREAT | os.O_WRONLY), number)
        resource.setrlimit(resource.RLIMIT_AS, (2 ** 32, 2 ** 32))
        resource.setrlimit(resource.RLIMIT_CPU, (2, 2))
        os._exit(worker.main(folder))
    print(os.waitpid(child, 0)[1], flush=True)
"""


class Workers:
    """Runs adapters.worker.main in processes forked from one that has already imported everything."""

    def __init__(self):
        self.server = None

    def run(self, folder: Path) -> int:
        """Run a worker in the folder; returns its wait status."""
        if self.server is None:
            command, variables = (
                [sys.executable, "-c", SERVER],
                {**os.environ, "PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
            self.server = subprocess.Popen(
                command, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
            )
        self.server.stdin.write(f"{folder}\n")
        return int(self.server.stdout.readline())


WORKERS = Workers()


def write_arrays(folder: Path) -> None:
    random = np.random.RandomState(0)
    for part in ("train", "test"):
        np.save(folder / f"x_{part}.npy", random.rand(9, 1, 8, 8).astype(np.float32))
        np.save(folder / f"y_{part}.npy", random.randint(0, 10, 9).astype(np.int32))


def worker_request(content, folder):
    """Every line is an event, and the last is `done` or `failed`, unless a signal stopped the worker."""
    (folder / "data").mkdir(exist_ok=True)
    write_arrays(folder / "data")
    return _worked(content, folder)


def worker_data(given, folder):
    name, content = given
    (folder / "data").mkdir(exist_ok=True)
    write_arrays(folder / "data")
    (folder / "data" / name).write_bytes(content)
    return _worked(as_json(REQUEST), folder)


def _worked(request, folder):
    (folder / "request.json").write_bytes(request)
    status = WORKERS.run(folder)
    if os.WIFSIGNALED(status):
        return f"stopped by signal {os.WTERMSIG(status)}"
    said = [json.loads(line) for line in (folder / "said").read_bytes().splitlines()]
    for event in said:
        if event["event"] == "case" and not isinstance(event["name"], str):
            return "invalid case name"  # the worker repeats the name in the request; the driver refuses it
        events.checked(event, events.WORKER_EVENTS)
    assert [event["event"] for event in said if event["event"] in ("done", "failed")] == [said[-1]["event"]]
    assert os.WEXITSTATUS(status) == (said[-1]["event"] == "failed")
    return f"failed: {said[-1]['error']}" if said[-1]["event"] == "failed" else "accepted"


def _npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


ARRAYS = [np.zeros((9, 1, 8, 8), np.float32), np.zeros(9, np.int32)]
WRONG = [
    np.zeros(0),
    np.zeros((9, 1, 8)),
    np.array([None] * 9),
    np.array(["x"] * 9),
    np.zeros((9, 1, 8, 8), complex),
    np.full(9, 99),
    np.full(9, -1),
    np.zeros((2, 2), "datetime64[s]"),
]
data_files = st.tuples(
    st.sampled_from(["x_train.npy", "y_train.npy", "x_test.npy", "y_test.npy"]),
    st.one_of(
        st.sampled_from(ARRAYS + WRONG).map(_npy).flatmap(lambda content: spoiled(content) | st.just(content)),
        st.binary(max_size=200),
    ),
)

# Records

OUTCOME = {
    "event": "outcome",
    "time": 6.0,
    "kind": "completed",
    "error": "",
    "traceback": "",
    "metrics": {"accuracy": 0.7},
}
RECORD = [
    {"event": "planned", **description(TRIAL)},
    {"event": "started", "time": 1.0, "host": "here", "devices": "cpu"},
    {**READY, "time": 2.0},
    {**EPOCH, "time": 3.0},
    OUTCOME,
]


def stored_record(content, folder):
    record = TrialRecord(folder)
    record.path.write_bytes(content)
    for event in record.events():
        writer.event_metrics(event), writer.event_tags(event)
    if record.outcome() is None:
        return "no outcome"
    assert {"identity", "name", "params", "tags"} <= record.description().keys()
    return "accepted"


def transferred(given, folder):
    lines, request = given
    record = TrialRecord(folder)
    record.path.write_bytes(lines)
    record.request.write_bytes(request)
    record.weights.write_bytes(b"weights")
    if record.outcome() is None:  # reader.read_trial refuses it
        return "no outcome"
    return refused(transfer.read, record, "r", "reference")


# Data from MLflow

DEMO = demo_record()


def plan_from_mlflow(content, folder):
    def read(found):
        plan = plans.parsed(found, "plan")
        record = Results("demo", "sqlite:///x", "demo", "abc", plan, DEMO.runs)
        json.dumps(summary(record), allow_nan=False)
        tables.tables(record)

    return _parsed(content, read)


def certificate_from_mlflow(content, folder):
    return _parsed(content, lambda found: html._certificate("x", publish._cases(found, "x")))


def _parsed(content, read):
    """The result of reading a file, parsed as in reader.read_files."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return "not JSON"
    return refused(read, found)


# Certificates and data sets in the cache


def certificate_in_cache(content, folder):
    spec = load_spec("reference")
    path = folder / "certificates"
    path.mkdir(exist_ok=True)
    with mock.patch.object(certificates, "path", lambda *_: path / "c.json"):
        (path / "c.json").write_bytes(content)
        return refused(certificates.check, spec, "cnn", "cpu", folder)


def data_manifest(content, folder):
    (folder / "dataset.json").write_bytes(content)
    return "accepted" if datasets._complete(folder) else "rebuilt"


def fashion_archive(content, folder):
    (folder / "train-images-idx3-ubyte.gz").write_bytes(content)
    with mock.patch.dict(os.environ, ROSETTA_FASHION_MNIST=str(folder)):
        return refused(images.load_fashion, folder)


def cifar_archive(content, folder):
    (folder / "a.tar.gz").write_bytes(content)
    with mock.patch.dict(os.environ, ROSETTA_CIFAR10=str(folder / "a.tar.gz")):
        return refused(images.load_cifar10, folder)


def tar(*members: tuple[str, bytes | str]) -> bytes:
    """An archive. A member whose content is text is a link to that path."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


ARCHIVE = tar(
    ("cifar-10-batches-bin/data_batch_1.bin", bytes(3073)),
    ("../../out", b"x"),
    ("/etc/out", b"x"),
    ("link", "/etc/passwd"),
)
FASHION = gzip.compress(bytes(range(256)) * 8)
ROWS = [{"case": "native", "passed": True, "dtype": "float64", "max_difference": {"loss": 1e-15}}]
FILES = {"name": "digits", "files": {"x_train.npy": {"bytes": 3, "sha256": "x"}}}


def documents(*examples, write=as_json):
    return st.one_of(*(files(example, write) for example in examples))


TARGETS = {
    "sweep file": Target(
        st.one_of(documents(GOOD, PATH, FRACTION, SEARCH, PRESETS, write=as_yaml), hostile_yaml), sweep_file
    ),
    "claims file": Target(st.one_of(documents(CLAIMS, write=as_yaml), hostile_yaml), claims_file),
    "sweep's name": Target(
        st.one_of(st.text(max_size=80), st.from_regex(r"(\.\./|/|[a-z0-9_-]){1,12}", fullmatch=True)), sweep_name
    ),
    "worker's stream": Target(
        documents(STREAM, [READY, CASE, DONE], [FAILED], write=as_lines), worker_stream, slow=True
    ),
    "worker's request": Target(
        documents(
            REQUEST,
            {**REQUEST, "verb": "describe", "cases": [{"name": "c", "settings": REQUEST["settings"], "seed": 0}]},
        ),
        worker_request,
        slow=True,
    ),
    "worker's data": Target(data_files, worker_data, slow=True),
    "stored record": Target(documents(RECORD, write=as_lines), stored_record),
    "record to transfer": Target(
        st.tuples(
            st.just(as_lines(RECORD)) | documents(RECORD, write=as_lines),
            st.just(as_json(REQUEST)) | documents(REQUEST),
        ),
        transferred,
    ),
    "plan in MLflow": Target(documents(DEMO.plan.as_dict()), plan_from_mlflow),
    "certificate in MLflow": Target(documents(ROWS), certificate_from_mlflow),
    "certificate in the cache": Target(documents(ROWS), certificate_in_cache),
    "data set's manifest": Target(documents(FILES), data_manifest),
    "Fashion-MNIST's archive": Target(spoiled(FASHION) | st.binary(max_size=200), fashion_archive),
    "CIFAR-10's archive": Target(spoiled(ARCHIVE) | st.binary(max_size=200), cifar_archive),
}


def emptied(folder: Path) -> Path:
    """The folder, emptied."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
