"""`ray submit` for real: through an sshd on the loopback a head is started and the program sent to it.

Also `ray job submit` to the same head. A client without the cluster's token is refused.
"""

import getpass
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import pytest
import yaml

from experiments import locations
from experiments.locations import PROJECT
from tests.conftest import free_port, need_program

pytestmark = pytest.mark.xdist_group("ray")

CPUS = 7  # declared by the head, and by no machine that runs these tests: who sees them is on the cluster
PORT, DASHBOARD, AGENT = free_port(), free_port(), free_port()
TOKEN = secrets.token_hex(32)
TINY = {
    "workload": {"name": "digits_cnn", "epochs": 1, "filters": [4, 8], "hidden": 16},
    "adapters": ["reference"],
    "design": "one-at-a-time",
    "settings": {"relu": ["native", "after_pool"]},
    "seeds": 2,
}
PROXY = """
import socket, sys, threading
server = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def down():
    while data := server.recv(65536):
        sys.stdout.buffer.write(data); sys.stdout.buffer.flush()
threading.Thread(target=down, daemon=True).start()
while data := sys.stdin.buffer.raw.read(65536):
    server.sendall(data)
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, certify):
    """(cluster file, command prefix, home) of a head on this machine, reached through ssh. It asks for a token."""
    sshd = need_program("sshd", "openssh-server")
    need_program("ssh", "openssh-client")
    need_program("rsync", "rsync")
    certify("reference")
    folder = tmp_path_factory.mktemp("submit")
    home = folder / "home"
    home.mkdir()
    venv = os.path.dirname(sys.executable)
    temporary = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # short: Ray's sockets lie below it
    (home / ".ray").mkdir()
    (home / ".ray" / "auth_token").write_text(TOKEN)
    profile = (
        f"export PATH={venv}:$PATH PYTHONPATH={PROJECT} ROSETTA_CACHE={locations.cache()} ROSETTA_HOME={home}/runs"
    )
    (home / ".bash_profile").write_text(f"{profile} RAY_TMPDIR={temporary} RAY_AUTH_MODE=token\n")
    server, port = start_sshd(sshd, folder, home)
    file = write_cluster(folder, home, port)
    ray = [os.path.join(venv, "ray")]
    try:
        up = subprocess.run([*ray, "up", "-y", "--no-config-cache", file], capture_output=True, text=True, timeout=240)
        assert up.returncode == 0, up.stdout[-3000:] + up.stderr[-3000:]
        yield file, ray, home
    finally:
        subprocess.run(["pkill", "-KILL", "-f", temporary], check=False)
        server.terminate()
        shutil.rmtree(temporary, ignore_errors=True)


def start_sshd(sshd, folder, home):
    port = free_port()
    for name in ("host_key", "user_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_key\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {folder}/user_key.pub\nPasswordAuthentication no\nPermitRootLogin yes\n"
        f"SetEnv HOME={home}\nMaxStartups 50\n"
    )
    os.makedirs("/run/sshd", exist_ok=True)
    server = subprocess.Popen([sshd, "-D", "-e", "-f", str(folder / "config")], stderr=(folder / "sshd.log").open("w"))
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return server, port
        except OSError:
            time.sleep(0.1)
    raise AssertionError((folder / "sshd.log").read_text())


def write_cluster(folder, home, port):
    """ray_cluster.yaml with its cloud block replaced by this machine, and without what sets a machine up."""
    proxy = folder / "proxy.py"
    proxy.write_text(PROXY)
    shipped = yaml.safe_load((PROJECT / "ray_cluster.yaml").read_text())
    config = {
        # By its name Ray shares ssh connections and a provider's state: a second worker of the tests needs another one.
        "cluster_name": f"{shipped['cluster_name']}-{port}",
        "provider": {"type": "local", "head_ip": "127.0.0.1", "worker_ips": []},
        "auth": {
            "ssh_user": getpass.getuser(),
            "ssh_private_key": str(folder / "user_key"),
            "ssh_proxy_command": f"{sys.executable} {proxy} {port}",
        },
        "setup_commands": [],
        "head_setup_commands": [],
        "worker_setup_commands": [],
        "initialization_commands": [],
        "head_start_ray_commands": [
            f"ray start --head --port={PORT} --num-cpus={CPUS} --dashboard-host=127.0.0.1 --dashboard-port={DASHBOARD} "
            # A second Ray on this machine needs another port for its agent, or the head's jobs never start.
            f"--dashboard-agent-listen-port={AGENT} --disable-usage-stats"
        ],
        "worker_start_ray_commands": [],
    }
    path = folder / "cluster.yaml"
    path.write_text(yaml.safe_dump(config))
    for name in ("submitted", "job"):
        (home / f"{name}.yaml").write_text(yaml.safe_dump({"name": name, **TINY}))
    return str(path)


def submit(cluster, *arguments):
    file, ray, home = cluster
    command = [*ray, "submit", "--no-config-cache", file, str(PROJECT / "sweep.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=home)


def check_done(home, name):
    outcomes = json.loads((home / "runs" / name / "1" / "report.json").read_text())["outcomes"]
    assert outcomes["completed"] == 4 + 2  # each seed's first row twice


def test_a_sweep_is_submitted_and_runs_on_the_cluster(cluster):
    done = submit(cluster, "run", str(cluster[2] / "submitted.yaml"))
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-3000:]
    assert "Sweep submitted" in said and (cluster[2] / "runs" / "submitted" / "1" / "report.html").is_file()
    check_done(cluster[2], "submitted")


def test_a_sweep_is_a_job_of_the_cluster_too(cluster):
    _, ray, home = cluster
    program = [sys.executable, str(PROJECT / "sweep.py"), "run", str(home / "job.yaml")]
    command = [*ray, "job", "submit", "--address", f"http://127.0.0.1:{DASHBOARD}", "--", *program]
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN}
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=home, env={**os.environ, **token})
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    check_done(home, "job")


def test_a_driver_without_the_clusters_token_is_turned_away(cluster):
    home = cluster[2]
    wrong = {"RAY_ADDRESS": f"127.0.0.1:{PORT}", "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    command = [
        sys.executable,
        str(PROJECT / "sweep.py"),
        "run",
        str(home / "job.yaml"),
        "--fresh",
        "--home",
        str(home / "elsewhere"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=home, env={**os.environ, **wrong})
    assert done.returncode == 2 and "Ray can't be started or reached" in done.stderr, done.stderr
    assert "InvalidAuthToken" in done.stderr and "Traceback" not in done.stderr


def test_without_an_argument_it_is_the_articles_sweep_and_needs_gpus(cluster):
    done = submit(cluster)
    said = done.stdout + done.stderr
    assert done.returncode != 0 and f"the cluster has 0 GPU, {CPUS} CPU" in said, said[-3000:]
    assert (cluster[2] / "runs" / "article").is_dir()


def test_the_cluster_file_has_what_a_launch_needs():
    shipped = yaml.safe_load((PROJECT / "ray_cluster.yaml").read_text())
    from ray.autoscaler._private.util import prepare_config, validate_config

    validate_config(prepare_config(shipped))
    servers = "\n".join(shipped["head_start_ray_commands"])
    assert "python -m experiments.recording.server ~/mlflow" in servers and "--dashboard-host=127.0.0.1" in servers
    assert "--host" not in servers.replace("--dashboard-host", "") and "0.0.0.0" not in servers
    assert "MLFLOW_SERVER_ALLOWED_HOSTS" in servers


def test_the_cluster_file_asks_everybody_who_they_are_and_holds_no_secret():
    shipped = yaml.safe_load((PROJECT / "ray_cluster.yaml").read_text())
    assert shipped["file_mounts"]["~/.ray/auth_token"] == "~/.ray/auth_token"
    assert "chmod 600 ~/.ray/auth_token" in shipped["setup_commands"]
    text = (PROJECT / "ray_cluster.yaml").read_text()
    assert not re.search(r"://[^@\s]*:[^@\s]*@", text), "an address with a password"
    assert re.findall(r"PASSWORD=(?!\$\(cat )", text) == []


def test_the_heads_shell_names_its_services_once(tmp_path):
    shipped = yaml.safe_load((PROJECT / "ray_cluster.yaml").read_text())
    commands = [
        command for command in shipped["setup_commands"] + shipped["head_setup_commands"] if "~/.bashrc" in command
    ]
    (tmp_path / ".bashrc").write_text("true\n")
    (tmp_path / "mlflow" / "secrets").mkdir(parents=True)
    (tmp_path / "mlflow" / "secrets" / "mlflow_password").write_text("p\n")
    mlflow = "MLFLOW_TRACKING_URI MLFLOW_TRACKING_USERNAME MLFLOW_TRACKING_PASSWORD"
    asked = f"RAY_AUTH_MODE ROSETTA_HOME ROSETTA_LEDGER {mlflow}"
    script = "\n".join([*commands, *commands, "source ~/.bashrc", f"printenv {asked}"])
    done = subprocess.run(
        ["bash", "-e", "-c", script],
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    ledger, mlflow = "postgresql:///ledger?host=/var/run/postgresql", "http://127.0.0.1:5000"
    assert done.stdout.splitlines() == ["token", f"{tmp_path}/runs", ledger, mlflow, "rosetta", "p"], done.stderr
    assert len((tmp_path / ".bashrc").read_text().splitlines()) == 1 + len(commands)


@pytest.mark.parametrize(
    "commands", ["setup_commands", "head_setup_commands", "head_start_ray_commands", "worker_start_ray_commands"]
)
def test_the_cluster_files_commands_are_shell(commands):
    for command in yaml.safe_load((PROJECT / "ray_cluster.yaml").read_text())[commands]:
        assert subprocess.run(["bash", "-n", "-c", command], capture_output=True, text=True).stderr == "", command
