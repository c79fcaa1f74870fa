"""A sweep with self-hosted services: PostgreSQL and a password-protected MLflow server; each is killed once."""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter

import pytest
import yaml
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from experiments.locations import PROJECT
from tests.services.conftest import PATIENCE, USER, wait_for

pytestmark = pytest.mark.xdist_group("ray")

TRIALS = 12
SWEEP = {
    "workload": {"name": "digits_cnn", "epochs": 2, "filters": [4, 8], "hidden": 16, "train_examples": 256},
    "adapters": ["reference"],
    "design": "one-at-a-time",
    "settings": {"init": ["native", "lecun_normal"]},
    "seeds": 4,
}


class Deployment:
    """Who runs sweeps against the services, from a home of their own."""

    def __init__(self, home, postgres, mlflow):
        self.home, self.postgres, self.mlflow = home, postgres, mlflow
        self.environment = {
            **os.environ,
            "ROSETTA_LEDGER": postgres.socket_address("ledger"),
            **postgres.client,
            "MLFLOW_TRACKING_URI": mlflow.uri,
            "MLFLOW_TRACKING_USERNAME": USER,
            "MLFLOW_TRACKING_PASSWORD": mlflow.password,
        }

    def authorization(self):
        """The header that names the administrator."""
        both = f"{USER}:{self.mlflow.password}".encode()
        return {"Authorization": f"Basic {base64.b64encode(both).decode()}"}

    def start(self, name, **changed):
        file = self.home / f"{name}.yaml"
        file.write_text(yaml.safe_dump({"name": name, **SWEEP}))
        command = [sys.executable, str(PROJECT / "sweep.py"), "run", str(file), "--json", "--home", str(self.home)]
        environment = self.environment | changed
        return subprocess.Popen(
            command, cwd=self.home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, name, **changed):
        """(exit status, standard output, standard error)"""
        process = self.start(name, **changed)
        said, complained = process.communicate(timeout=PATIENCE)
        return process.returncode, said, complained

    def wait_for_trials(self, name, number, process):
        """Until so many trials of a running sweep are over."""
        logs = self.home / name / "1" / "trials"

        def over():
            assert process.poll() is None, process.stderr.read()
            return len(list(logs.glob("*/worker.log"))) >= number

        wait_for(over, f"{number} trials")


@pytest.fixture(scope="module")
def deployment(postgres, mlflow, certify):
    certify("reference")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_USERNAME", USER)
        patch.setenv("MLFLOW_TRACKING_PASSWORD", mlflow.password)
        home = mlflow.folder.parent / "runs"
        home.mkdir()
        yield Deployment(home, postgres, mlflow)


def trials(deployment, name):
    """A client of the server, and the sweep's child runs there."""
    client = MlflowClient(deployment.mlflow.uri)
    experiment = client.get_experiment_by_name(name)
    return client, [run for run in client.search_runs([experiment.experiment_id]) if "trial" in run.data.tags]


def check_complete(deployment, name):
    """Every trial finished once, in the ledger and on the server; none is left running; its artifacts can be read."""
    client, found = trials(deployment, name)
    finished = Counter(run.data.tags["trial"] for run in found if run.info.status == "FINISHED")
    assert len(finished) == TRIALS and set(finished.values()) == {1}, finished
    assert not [run for run in found if run.info.status == "RUNNING"]
    (run, *_) = (run for run in found if run.info.status == "FINISHED")
    assert run.info.artifact_uri.startswith("mlflow-artifacts:/")
    events = client.download_artifacts(run.info.run_id, "events.jsonl", str(deployment.home))
    assert json.loads(open(events).read().splitlines()[-1])["kind"] == "completed"
    told = deployment.postgres.sql(
        "select count(*) from trials join studies using (study_id) "
        f"where study_name = '{name}/1' and state = 'COMPLETE'",
        "ledger",
    )
    assert int(told) == TRIALS


def documented(name):
    """The commands that docs/how-to/cluster.md gives for this."""
    (found,) = re.findall(
        rf"<!-- tested: {name} -->\n```bash\n(.*?)```",
        (PROJECT / "docs" / "how-to" / "cluster.md").read_text(),
        re.DOTALL,
    )
    return found


@pytest.fixture(scope="module")
def killed(deployment):
    """(name, standard output) of a sweep whose driver was killed in the middle; the second one ended it."""
    process = deployment.start("killed")
    deployment.wait_for_trials("killed", 3, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    status, said, complained = deployment.run("killed")
    assert status == 0, complained
    return "killed", said


def test_a_sweep_whose_driver_was_killed_is_on_the_servers_once(deployment, killed):
    name, _ = killed
    check_complete(deployment, name)
    assert json.loads((deployment.home / name / "1" / "report.json").read_text())["outcomes"]["completed"] == TRIALS


def test_json_has_standard_output_to_itself(killed):
    assert json.loads(killed[1])["outcomes"] == {"completed": TRIALS, "diverged": 0, "failed": 0}


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"MLFLOW_TRACKING_PASSWORD": "wrong-one"}, "MLflow at http://127.0.0.1"),
        ({"PGPASSWORD": "wrong-one"}, "the ledger at postgresql:///ledger"),
    ],
    ids=lambda value: next(iter(value), "") if isinstance(value, dict) else "",
)
def test_a_wrong_password_is_one_clear_line_without_it(deployment, changed, rule):
    status, said, complained = deployment.run("refused", **changed)
    assert status == 2 and said == "" and rule in complained
    assert len(complained.strip().splitlines()) == 1 and "wrong-one" not in complained, complained


@pytest.mark.parametrize(
    ("known", "host", "status"), [(False, None, 401), (True, "elsewhere.example", 403), (True, None, 200)]
)
def test_the_server_answers_whom_it_knows_and_to_its_own_names(deployment, known, host, status):
    headers = (deployment.authorization() if known else {}) | ({"Host": host} if host else {})
    request = urllib.request.Request(
        f"{deployment.mlflow.uri}/api/2.0/mlflow/experiments/search?max_results=1", headers=headers
    )
    try:
        answered = urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        answered = error.code
    assert answered == status


def test_another_user_sees_everything_and_changes_nothing(deployment, killed, monkeypatch):
    who = {"username": "ada", "password": "a long enough one"}
    request = urllib.request.Request(
        f"{deployment.mlflow.uri}/api/2.0/mlflow/users/create",
        json.dumps(who).encode(),
        {"Content-Type": "application/json", **deployment.authorization()},
    )
    assert urllib.request.urlopen(request).status == 200
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", who["username"])
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", who["password"])
    client, found = trials(deployment, killed[0])
    assert len(found) >= TRIALS
    with pytest.raises(MlflowException, match="Permission denied"):
        client.set_tag(found[0].info.run_id, "outcome", "forged")


def test_a_backup_is_restored(deployment, killed):
    """The commands of docs/how-to/cluster.md: everything is lost, and comes back."""
    name, folder = killed[0], deployment.home.parent
    before = {run.info.run_id: run.data for run in trials(deployment, name)[1]}

    def as_documented(name):
        environment = {**os.environ, **deployment.postgres.client}
        subprocess.run(
            ["bash", "-e", "-c", documented(name)],
            cwd=folder,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )

    as_documented("backup")
    deployment.mlflow.stop()
    for database in ("ledger", "mlflow"):
        deployment.postgres.sql(f"drop database {database}")
    shutil.rmtree(deployment.home)
    shutil.rmtree(deployment.mlflow.folder)
    as_documented("restore")
    deployment.mlflow.start()

    check_complete(deployment, name)
    after = {run.info.run_id: run.data for run in trials(deployment, name)[1]}
    assert {name: data.metrics for name, data in after.items()} == {name: data.metrics for name, data in before.items()}
    status, _, complained = deployment.run(name)
    assert status == 0 and "is complete: nothing to run" in complained, complained
    assert len(trials(deployment, name)[1]) == len(before)


def test_postgresql_that_goes_and_comes_back(deployment):
    process = deployment.start("ledgerless")
    deployment.wait_for_trials("ledgerless", 3, process)
    deployment.postgres.stop()
    time.sleep(4)
    deployment.postgres.start()
    _, complained = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, complained
    check_complete(deployment, "ledgerless")


def test_an_mlflow_server_that_goes_and_comes_back(deployment):
    process = deployment.start("serverless")
    deployment.wait_for_trials("serverless", 3, process)
    deployment.mlflow.stop()
    deployment.mlflow.start()
    _, complained = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, complained
    check_complete(deployment, "serverless")
