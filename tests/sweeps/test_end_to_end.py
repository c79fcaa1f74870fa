"""The program as a person runs it: real Ray, real MLflow in SQLite, real workers; killed, interrupted, resumed."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from adapters import load_spec
from experiments import locations
from experiments.locations import PROJECT
from experiments.preparation import certificates
from sweeps.cli import main

pytestmark = pytest.mark.xdist_group("ray")

TINY = {"name": "digits_cnn", "epochs": 2, "filters": [4, 8], "hidden": 16, "train_examples": 256}
SWEEP = {
    "name": "tiny",
    "workload": TINY,
    "adapters": ["reference"],
    "design": "one-at-a-time",
    "settings": {"init": ["native", "lecun_normal"], "layout": ["nchw", "nhwc"]},
    "seeds": 3,
}


@pytest.fixture
def home(tmp_path, certify):
    certify("reference")
    return tmp_path


def command(home, *arguments):
    return [sys.executable, str(PROJECT / "sweep.py"), *arguments, "--home", str(home)]


def run(home, *arguments, **changed):
    environment = {**os.environ, **changed}
    return subprocess.run(
        command(home, *arguments), capture_output=True, text=True, env=environment, cwd=home, timeout=300
    )


def refusal(home, monkeypatch, capfd, *arguments, **changed):
    """The error line of a command. It runs in this process: a new one needs seconds to import everything."""
    monkeypatch.chdir(home)
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(main, command(home, *arguments)[2:])
    beside = capfd.readouterr()  # what processes of ours wrote without asking Python
    assert (done.exit_code, done.stdout, beside.out) == (2, "", "") and "Traceback" not in done.stderr + beside.err, (
        done.output,
        beside,
    )
    return done.stderr


def write(home, **change):
    path = home / "sweep.yaml"
    path.write_text(yaml.safe_dump({**SWEEP, **change}))
    return str(path)


def runs(home):
    """[(name, status, trial, stage)] of every run in the store."""
    database = sqlite3.connect(home / "mlflow.db")
    rows = database.execute(
        "select r.name, r.status, t.value, r.lifecycle_stage "
        "from runs r left join tags t on t.run_uuid = r.run_uuid and t.key = 'trial'"
    )
    return rows.fetchall()


def check_complete(home, trials):
    """Every planned trial exactly once, no run left running; what MLflow no longer shows has ended too."""
    found = runs(home)
    shown = Counter(trial for _, _, trial, stage in found if trial and stage == "active")
    assert len(shown) == trials and set(shown.values()) == {1}, found
    assert {status for _, status, _, stage in found if stage == "active"} == {"FINISHED"}, found
    assert not [row for row in found if row[1] == "RUNNING"], found


def workers(pid):
    """The workers among a process's descendants: what runs elsewhere on this machine is not ours to judge."""
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    mine = subprocess.run(
        ["pgrep", "-P", str(pid), "-f", "adapters.worker"], capture_output=True, text=True
    ).stdout.split()
    return mine + [found for child in children for found in workers(child)]


def first_workers(process):
    """Its workers as soon as it has any: between two networks there are none. Nothing where it ends before."""
    while process.poll() is None:
        if found := workers(process.pid):
            return found
        time.sleep(0.05)
    return []


def alive(pid):
    return subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True).stdout.strip()[:1] not in (
        "",
        "Z",
    )


def test_a_sweep_from_end_to_end(home):
    file = write(
        home, adapters=["reference"], settings={"init": ["native", "lecun_normal"], "momentum": ["native", "unit_gain"]}
    )
    done = run(home, "run", file, "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["outcomes"] == {"completed": 12, "diverged": 0, "failed": 0}
    assert {(e["setting"], e["choice"], e["n"]) for e in summary["effects"]} >= {
        ("init", "lecun_normal", 3),
        ("momentum", "unit_gain", 3),
    }
    (arm,) = summary["repetitions"]  # each seed's first row runs twice; NumPy repeats itself exactly
    assert (arm["adapter"], arm["pairs"], arm["deviation"]) == ("reference", 3, 0.0)
    check_complete(home, 12)
    folder = home / "tiny" / "1"
    assert (folder / "report.html").stat().st_size > 100_000
    runs_kept = pd.read_parquet(folder / "runs.parquet")
    assert len(runs_kept) == len(pd.read_csv(folder / "runs.csv")) == 12 and runs_kept["accuracy"].notna().all()
    assert {"forest_accuracy.png", "pareto.png", "learning.png"} <= {path.name for path in folder.iterdir()}

    again = run(home, "run", file)
    assert again.returncode == 0 and "is complete" in again.stdout and "report.html" in again.stdout
    check_complete(home, 12)

    report = run(home, "report", "tiny", "--json")
    assert json.loads(report.stdout)["effects"] == summary["effects"]

    assert json.loads(run(home, "sync", "tiny", "--json").stdout) == {"sweep": "tiny/1", "changed": 0}
    for lost in home.glob("mlflow.db*"):
        lost.unlink()
    assert json.loads(run(home, "sync", "--json").stdout)["changed"] == 13  # the sweep's own run too
    check_complete(home, 12)
    assert json.loads(run(home, "report", "tiny", "--json").stdout)["effects"] == summary["effects"]

    plan = json.loads(run(home, "plan", file, "--json").stdout)
    assert plan["pilot"]["reference"]["runs"] == 12 and plan["device_hours"] > 0 and plan["without_pilot"] == []
    assert plan["power"]["reference"]["deviation"] == plan["pilot"]["reference"]["deviation"] > 0

    fresh = run(home, "run", file, "--fresh", "--json")
    assert fresh.returncode == 0 and (home / "tiny" / "2" / "report.html").is_file()
    assert json.loads(fresh.stdout)["outcomes"]["completed"] == 12
    assert len(runs(home)) == 2 * 13

    changed = run(home, "run", write(home, seeds=[5]))
    assert changed.returncode == 2 and "start a new run of it with --fresh" in changed.stderr


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=lambda sent: sent.name)
def test_a_driver_that_is_ended_in_the_middle(home, sent):
    file = write(home, seeds=6)
    process = subprocess.Popen(
        command(home, "run", file),
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background jobs ignore SIGINT, and their children too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    outcomes = home / "tiny" / "1" / "trials"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and len(list(outcomes.glob("*/worker.log"))) < 3:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)
    running = workers(process.pid)
    process.send_signal(sent)
    _, said = process.communicate(timeout=60)
    if sent != signal.SIGKILL:
        assert process.returncode == 130 and "rerun the same command to resume" in said, said
        assert not [row for row in runs(home) if row[1] == "RUNNING"]
    kept = {path.parent.name for path in outcomes.glob("*/worker.log")}
    deadline = time.monotonic() + 20
    while any(map(alive, running)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not any(map(alive, running))

    stamps = {name: (outcomes / name / "worker.log").stat().st_mtime_ns for name in kept}
    finished = run(home, "run", file, "--json")
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout)["outcomes"] == {"completed": 18, "diverged": 0, "failed": 0}
    check_complete(home, 18)
    assert stamps == {name: (outcomes / name / "worker.log").stat().st_mtime_ns for name in kept}


def test_a_trial_that_fails_is_an_outcome_and_the_sweep_goes_on(home, tmp_path):
    done = run(home, "run", write(home, time_limit_minutes=1e-5, seeds=1, settings={}), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outcomes"] == {"completed": 0, "diverged": 0, "failed": 1}
    assert "ran past its time limit" in (home / "tiny" / "1" / "report.html").read_text()


def test_a_search_that_prunes(home):
    """With unit gain steps are a tenth as long: of such trials all but those that run first are ended early."""
    settings = {"init": ["native", "lecun_normal"], "momentum": ["classical", "unit_gain"]}
    file = write(
        home,
        workload={**TINY, "epochs": 4},
        design="search",
        trials=14,
        sampler="random",
        pruner="median",
        seeds=14,
        settings=settings,
    )
    done = run(home, "run", file, "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["effects"] == [] and set(summary["outcomes"]) == {"completed", "diverged", "failed", "pruned"}
    pruned = summary["outcomes"]["pruned"]
    assert pruned >= 1 and summary["outcomes"]["completed"] == 14 - pruned >= 5
    assert Counter(status for _, status, trial, _ in runs(home) if trial) == {"FINISHED": 14 - pruned, "KILLED": pruned}
    assert "is below the median of the other trials" in (home / "tiny" / "1" / "report.html").read_text()
    assert "is complete" in run(home, "run", file).stdout


@pytest.mark.parametrize(
    ("arguments", "change", "said"),
    [
        (["run", "none.yaml"], {}, "there is no sweep file"),
        (["run", "sweep.yaml"], {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}, "can't be reached"),
        (["run", "gpu.yaml"], {}, "asks for 1 GPU"),
        (["run", "cifar.yaml"], {"ROSETTA_CIFAR10": "/none"}, "ROSETTA_CIFAR10 is '/none', which is not a file"),
        (["run", "sweep.yaml"], {"ROSETTA_LEDGER": "postgresql://me:secret@127.0.0.1:9/x"}, "ledger at 127.0.0.1:9/x"),
        (["run", "sweep.yaml"], {"ROSETTA_PYTHON_3_11": "/none", "ROSETTA_CACHE": "empty"}, "not a program"),
        (["report"], {}, "there is no sweep in"),
        (["sync", "none"], {}, "there is no sweep 'none'"),
        (["run", "sweep.yaml"], {"ROSETTA_WAIT_FOR_NODES": "long"}, "give minutes, as a number"),
        (["report", "none"], {}, "holds no sweep 'none'"),
        (["verify", "--workload", "mnist"], {}, "unknown workload 'mnist'"),
        (["setup", "--adapters", "pytroch"], {}, "unknown adapter 'pytroch'. Did you mean 'pytorch'"),
        (["lunch"], {}, "No such command 'lunch'"),
    ],
    ids=str,
)
def test_bad_input_is_one_clear_line(home, monkeypatch, capfd, arguments, change, said):
    write(home)
    (home / "gpu.yaml").write_text(
        yaml.safe_dump({**SWEEP, "resources": {"num_gpus": 1}, "adapters": ["pytorch"], "name": "gpu"})
    )
    (home / "cifar.yaml").write_text(yaml.safe_dump({**SWEEP, "workload": {"name": "cifar10_cnn"}, "name": "cifar"}))
    refused = refusal(home, monkeypatch, capfd, *arguments, **change)
    assert said in refused and "secret" not in refused


def test_the_verbs_print_json_and_nothing_else(home):
    plan = json.loads(run(home, "plan", write(home), "--json").stdout)
    assert len(plan["trials"]) == 6 + 3 and plan["dropped"][0]["adapter"] == "reference" and plan["collapsed"] == []
    assert all(set(trial) - {"repeat"} == {"adapter", "workload", "settings", "seed"} for trial in plan["trials"])
    assert [trial["seed"] for trial in plan["trials"] if "repeat" in trial] == [0, 1, 2]
    adapters = json.loads(run(home, "adapters", "--json").stdout)
    assert adapters["cntk"]["momentum"]["native"] == "unit_gain"
    setup = json.loads(run(home, "setup", "--adapters", "reference", "--json").stdout)
    assert setup["built"] == {"reference": False}
    verified = json.loads(run(home, "verify", "--adapters", "reference", "--json").stdout)
    keys = {"adapter", "workload", "dtype", "steps", "max_difference", "tolerance", "passed"}
    assert verified["passed"] and all(keys <= set(row) for row in verified["results"])


def test_a_plan_is_shown_where_mlflow_is_away(home):
    done = run(home, "plan", write(home), "--json", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert (
        len(plan["trials"]) == 9
        and plan["pilot"] == {}
        and "without earlier trials: MLflow at http://127.0.0.1:9 can't be reached" in done.stderr
    )


def test_help_says_where_things_live(home):
    said = (
        " ".join(run(home, "plan", "--help").stdout.split())
        + subprocess.run(
            [sys.executable, str(PROJECT / "sweep.py"), "--help"],
            capture_output=True,
            text=True,
            cwd=home,
            env={**os.environ, "ROSETTA_HOME": "/h", "ROSETTA_CACHE": "/c"},
        ).stdout
    )
    assert "/h" in said and "/c" in said and "ROSETTA_HOME" in said


def test_an_adapter_without_a_certificate_is_verified_first(home):
    node = {"ROSETTA_CACHE": str(home / "cache")}  # of a machine that has verified nothing
    done = run(home, "run", write(home, seeds=1), **node)
    assert done.returncode == 0, done.stderr
    assert re.search(r"reference: (\d+) of \1 cases agree with the reference", done.stdout)
    again = run(home, "run", write(home, seeds=2), "--fresh", **node)
    assert again.returncode == 0 and "verifying" not in again.stdout


def test_an_adapter_that_is_not_equal_to_the_reference_is_refused_unless_told_so(home):
    known, wrong = (
        certificates.path(load_spec("reference"), "cnn", "cpu", cache) for cache in (locations.cache(), home / "cache")
    )
    rows = json.loads(known.read_text())
    certificates.keep([{**rows[0], "passed": False}, *rows[1:]], wrong)
    node = {"ROSETTA_CACHE": str(home / "cache")}
    refused = run(home, "run", write(home, seeds=1), **node)
    assert refused.returncode == 2 and f"a certificate that failed ({rows[0]['case']})" in refused.stderr
    assert "Traceback" not in refused.stderr
    done = run(home, "run", write(home, seeds=1), "--unverified", "--fresh", **node)
    assert done.returncode == 0, done.stderr
    assert "Not proven equal: reference" in (home / "tiny" / "2" / "report.html").read_text()


def test_what_one_framework_lacks_stops_no_other(home):
    """Without Python 3.6 CNTK is skipped with a message and the rest runs; later the sweep is resumed with it."""
    known = [
        certificates.path(load_spec("reference"), "cnn", "cpu", cache) for cache in (locations.cache(), home / "cache")
    ]
    known[1].parent.mkdir(parents=True)
    shutil.copyfile(*known)
    node = {"ROSETTA_CACHE": str(home / "cache"), "ROSETTA_PYTHON_3_6": str(home / "none")}
    path = write(home, adapters=["reference", "cntk"], settings={}, seeds=2)
    verified = run(home, "verify", "--sweep", path, **node)
    assert verified.returncode == 0 and "cntk is skipped: ROSETTA_PYTHON_3_6 is" in verified.stdout, verified.stderr
    done = run(home, "run", path, "--json", **node)
    summary = json.loads(done.stdout)
    assert done.returncode == 0 and list(summary["unavailable"]) == ["cntk"], done.stderr
    assert summary["outcomes"] == {"completed": 2, "diverged": 0, "failed": 0} and summary["planned"] == 4
    page = (home / "tiny" / "1" / "report.html").read_text()
    assert "skipped on this machine" in page and "2 of 4 trials are missing" in page
    assert [status for _, status, trial, _ in runs(home) if trial] == ["FINISHED"] * 2
    again = run(home, "run", path, "--json", **node)
    assert json.loads(again.stdout)["outcomes"]["completed"] == 2 and list(json.loads(again.stdout)["unavailable"]) == [
        "cntk"
    ]
    nothing = run(home, "run", write(home, name="none", adapters=["cntk"], settings={}), **node)
    assert nothing.returncode == 2 and "ROSETTA_PYTHON_3_6" in nothing.stderr and "Traceback" not in nothing.stderr


def test_an_interrupt_ends_verification_and_its_workers(home):
    arguments = command(home, "verify", "--adapters", "reference")
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=home) as verifying:
        assert "passed reference cifar10_cnn" in verifying.stdout.readline()
        running = first_workers(verifying)
        verifying.send_signal(signal.SIGTERM)
        assert verifying.wait(timeout=20) == 130
        assert "interrupted" in verifying.stderr.read() and "imdb_gru" not in verifying.stdout.read()
    assert running and not any(map(alive, running))
