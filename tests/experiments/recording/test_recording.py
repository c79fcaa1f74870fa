"""MLflow as a projection of the trial records: complete, idempotent, and without loss while the server is away."""

import ast
import os
import sqlite3
import subprocess
import sys

import pytest
from mlflow.exceptions import MlflowException

from adapters import load_spec
from experiments.errors import TrackingError
from experiments.locations import PROJECT
from experiments.recording import reader, store, writer
from experiments.recording.recorder import Recorder, RunWriters
from experiments.trials.records import TrialRecord, description
from experiments.trials.trial import Trial
from experiments.trials.workload import workload_named


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


@pytest.fixture
def sweep(home):
    return store.open_sweep(home, home, "demo", "sweep demo/1", {"sweep": "demo/1"})


def trial(seed=0):
    return Trial("reference", workload_named("digits_cnn"), load_spec("reference").native("cnn"), seed, "cpu", 1)


def events(kind="completed"):
    yield {"event": "started", "time": 1000.0, "host": "here", "devices": "cpu"}
    yield {
        "event": "ready",
        "time": 1001.0,
        "import_seconds": 1.0,
        "data_seconds": 0.1,
        "build_seconds": 0.2,
        "settings": {"relu": "before_pool"},
        "versions": {"framework": "2.3.5"},
    }
    for epoch in range(3):
        yield {
            "event": "epoch",
            "time": 1002.0 + epoch,
            "epoch": epoch,
            "loss": 1.0 - 0.1 * epoch,
            "accuracy": 0.5 + 0.1 * epoch,
            "train_seconds": 1.0,
            "evaluate_seconds": 0.5,
        }
    yield {
        "event": "outcome",
        "time": 1006.0,
        "kind": kind,
        "error": "" if kind == "completed" else "RuntimeError: no",
        "traceback": "",
        "fault": "",
        "metrics": {"accuracy": 0.7, "step_ms_median": 4.0},
        "log": "a log",
        "request": "{}",
    }


def imported(path):
    """The packages that a source file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module).split(".")[0]


def test_only_this_package_imports_mlflow():
    sources = [path for name in ("adapters", "experiments", "sweeps") for path in (PROJECT / name).rglob("*.py")]
    found = {path.parent.relative_to(PROJECT).as_posix() for path in sources if "mlflow" in imported(path)}
    assert found == {"experiments/recording"}


@pytest.mark.parametrize("module", ["store", "writer", "reader", "recorder", "server"])
def test_mlflows_settings_are_there_before_it_is_imported(module):
    code = f"""
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "mlflow":
            raise SystemExit(int(__import__("os").environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"]))
sys.meta_path.insert(0, Finder())
import experiments.recording.{module}, mlflow
"""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env=variables).returncode == 2


def test_every_setting_is_a_parameter_and_no_other_fact_takes_its_name():
    for model in ("digits_cnn", "imdb_gru"):
        workload = workload_named(model)
        one = Trial("pytorch", workload, load_spec("pytorch").native(workload.model), 0, "cpu", 3)
        shown = description(one)["params"]
        assert one.configuration.items() <= shown.items() and shown["cpu_threads"] == 3


def write(home, sweep, one, found, recorder):
    record = TrialRecord(home / "trials" / one.identity).create(one)
    for event in found:
        record.append(event)
        recorder.record(record, {name: value for name, value in event.items() if name not in ("log", "request")})
    return record


def only_run(sweep):
    (run,) = store.trial_runs(store.connect(sweep.uri), sweep)
    return run


def counts(home):
    database = sqlite3.connect(home / "mlflow.db")
    return [
        database.execute(f"select count(*) from {name}").fetchone()[0] for name in ("runs", "metrics", "params", "tags")
    ]


def test_a_trial_becomes_a_run(home, sweep):
    recorder = Recorder(sweep)
    write(home, sweep, trial(seed=4), events(), recorder)
    assert recorder.close()
    run = only_run(sweep)
    assert run.info.run_name == "reference native seed=4" and run.info.status == "FINISHED"
    assert run.data.params["framework"] == "NumPy" and run.data.params["init"] == "glorot_uniform"
    assert run.data.params["autotune"] == "unsupported"
    tags = run.data.tags
    assert (tags["seed"], tags["host"], tags["outcome"], tags["version.framework"]) == (
        "4",
        "here",
        "completed",
        "2.3.5",
    )
    assert tags["effective.relu"] == "before_pool" and tags["mlflow.parentRunId"] == sweep.run_id
    assert run.data.metrics["accuracy"] == 0.7 and run.data.metrics["step_ms_median"] == 4.0
    client = store.connect(sweep.uri)
    assert [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "accuracy")] == [
        (0, 0.5),
        (1, 0.6),
        (2, 0.7),
    ]
    files = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert files == {"events.jsonl", "request.json", "worker.log"}


def test_writing_again_changes_nothing(home, sweep):
    recorder = Recorder(sweep)
    record = write(home, sweep, trial(), events(), recorder)
    recorder.close()
    before = counts(home)
    assert writer.reconcile(sweep, [record]) == 0
    assert counts(home) == before


class Nowhere:
    """A recorder that writes nothing."""

    def record(self, record, event): ...


def test_what_is_written_at_a_time_is_there_whole_or_not_at_all(home, sweep):
    record, client = write(home, sweep, trial(), events(), Nowhere()), store.connect(sweep.uri)
    before = counts(home)
    with pytest.raises(MlflowException), writer.one_transaction(client):
        writer.RunWriter(client, sweep, record).write(list(events()))
        raise KeyError
    assert counts(home) == before


def test_a_call_that_mlflow_undoes_takes_no_other_trial_with_it(home, sweep):
    one, other = (write(home, sweep, trial(seed), events(), Nowhere()) for seed in (0, 1))
    writers, said = RunWriters(sweep), list(events())
    writers.write([(one, event) for event in said[:3]])
    writers.write([*((other, event) for event in said), (one, said[2])])  # an epoch twice, which MLflow would undo
    assert writers.unwritten == {one.folder, other.folder}
    assert writer.reconcile(sweep, [one, other]) == 3  # and one run deleted
    client = store.connect(sweep.uri)
    runs = store.trial_runs(client, sweep)
    assert {run.data.tags["seed"] for run in runs} == {"0", "1"} and {run.info.status for run in runs} == {"FINISHED"}


def test_what_mlflow_lacks_is_written_from_the_record(home, sweep):
    record = write(home, sweep, trial(), events(), Nowhere())
    assert writer.reconcile(sweep, [record]) == 1
    assert only_run(sweep).data.metrics["accuracy"] == 0.7
    assert writer.reconcile(sweep, [record]) == 0


def test_a_run_that_a_dead_driver_left_is_written_anew_or_deleted(home, sweep):
    client = store.connect(sweep.uri)
    finished = TrialRecord(home / "trials" / "a").create(trial(0))
    unfinished = TrialRecord(home / "trials" / "b").create(trial(1))
    for record, found in ((finished, list(events())), (unfinished, list(events())[:3])):
        for event in found:
            record.append(event)
        writer.RunWriter(client, sweep, record).write(list(events())[:3])  # as far as the driver came
    assert {run.info.status for run in store.trial_runs(client, sweep)} == {"RUNNING"}
    assert writer.reconcile(sweep, [finished, unfinished]) == 3
    run = only_run(sweep)
    assert run.info.status == "FINISHED" and len(client.get_metric_history(run.info.run_id, "accuracy")) == 3
    assert writer.reconcile(sweep, [finished, unfinished]) == 0


def test_a_trial_that_is_cut_off_is_killed_at_the_end(home, sweep):
    recorder = Recorder(sweep)
    write(home, sweep, trial(), list(events())[:4], recorder)
    recorder.close()
    assert only_run(sweep).info.status == "KILLED"


def test_a_trial_that_starts_again_has_one_run_and_one_curve(home, sweep):
    recorder = Recorder(sweep)
    write(home, sweep, trial(), [*list(events())[:4], *events()], recorder)
    assert recorder.close()
    client = store.connect(sweep.uri)
    assert [m.step for m in client.get_metric_history(only_run(sweep).info.run_id, "accuracy")] == [0, 1, 2]


def test_a_recorder_first_writes_what_an_earlier_driver_left(home, sweep):
    record = TrialRecord(home / "trials" / trial().identity).create(trial())
    for event in events():
        record.append(event)
    assert Recorder(sweep, [record]).close()
    assert only_run(sweep).data.tags["outcome"] == "completed"


def test_a_failed_trial_shows_its_error(home, sweep):
    recorder = Recorder(sweep)
    write(home, sweep, trial(), events("failed"), recorder)
    recorder.close()
    assert only_run(sweep).info.status == "FAILED" and only_run(sweep).data.tags["error"] == "RuntimeError: no"
    assert reader.read_runs(sweep).iloc[0]["outcome"] == "failed"


def test_a_store_that_was_left_half_made_is_made_anew(home):
    code = f"""
import os, threading, time
from pathlib import Path
from experiments.recording import store
def die():
    while not Path({str(home / "mlflow.db.new")!r}).exists():
        time.sleep(0.01)
    time.sleep(0.3)
    os._exit(9)
threading.Thread(target=die, daemon=True).start()
store.open_sweep(Path({str(home)!r}), Path({str(home)!r}), "demo", "sweep demo/1", {{}})
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, timeout=240)
    assert done.returncode == 9 and not (home / "mlflow.db").exists() and (home / "mlflow.db.new").exists()
    store.open_sweep(home, home, "demo", "sweep demo/1", {"sweep": "demo/1"})
    assert (home / "mlflow.db").exists() and not (home / "mlflow.db.new").exists()


def test_a_server_that_is_away_is_one_line_without_the_password(home, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    with pytest.raises(
        TrackingError, match="MLflow at http://127.0.0.1:9 can't be reached.*MLFLOW_TRACKING_URI"
    ) as caught:
        store.open_sweep(home, home, "demo", "demo", {})
    assert "secret" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_server_that_goes_away_loses_nothing(home, sweep):
    away = sweep._replace(uri="http://127.0.0.1:9")
    recorder = Recorder(away)
    record = write(home, sweep, trial(), events(), recorder)
    assert not recorder.close()
    assert writer.reconcile(sweep, [record]) == 1
    assert only_run(sweep).data.tags["outcome"] == "completed"


def test_a_wiped_store_gets_everything_again(home, sweep):
    recorder = Recorder(sweep)
    record = write(home, sweep, trial(), events(), recorder)
    recorder.close()
    client = store.connect(sweep.uri)
    for run in [*store.trial_runs(client, sweep), client.get_run(sweep.run_id)]:
        client.delete_run(run.info.run_id)
    again = store.open_sweep(home, home, "demo", "sweep demo/1", {"sweep": "demo/1"})
    assert again.run_id != sweep.run_id
    assert writer.reconcile(again, [record]) == 1 and only_run(again).data.metrics["accuracy"] == 0.7


def test_a_recorder_that_dies_loses_nothing_and_holds_nobody_up(home, sweep):
    recorder = Recorder(sweep)
    recorder.process.kill()
    record = write(home, sweep, trial(), events(), recorder)
    for _ in range(2000):  # more than the pipe to the dead process takes
        recorder.record(record, next(events()))
    assert not recorder.close()
    assert writer.reconcile(sweep, [record]) == 1
    assert only_run(sweep).data.tags["outcome"] == "completed"


FORGETFUL = """
import sys, time
from experiments.recording.recorder import Recorder
from experiments.recording.store import SweepRun
if __name__ == "__main__":
    recorder = Recorder(SweepRun(*sys.argv[1:]))
    recorder.queue.put(())  # nothing: once it is taken, the recorder waits for more
    time.sleep(1)
    while not recorder.queue.empty():
        time.sleep(0.1)
    raise OSError
"""


def test_a_program_that_forgets_its_recorder_ends(home, sweep):
    command = [sys.executable, "-c", FORGETFUL, *sweep]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 1 and "OSError" in done.stderr
