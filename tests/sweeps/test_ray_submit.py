"""`ray submit` for real: an sshd of our own on the loopback, a head started through it, the program sent to it."""

import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import pytest
import yaml

from experiments import places
from experiments.places import PROJECT
from tests.conftest import need_program

pytestmark = pytest.mark.xdist_group("ray")

CPUS = 7  # declared by the head, and by no machine that runs these tests: who sees them is on the cluster
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


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, certify):
    """(cluster file, command prefix) of a head on this machine, reached through ssh."""
    sshd = need_program("sshd", "openssh-server")
    need_program("ssh", "openssh-client")
    need_program("rsync", "rsync")
    certify("reference")
    folder = tmp_path_factory.mktemp("submit")
    home = folder / "home"
    home.mkdir()
    venv = os.path.dirname(sys.executable)
    temporary = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # short: Ray's sockets lie below it
    profile = f"export PATH={venv}:$PATH PYTHONPATH={PROJECT} ROSETTA_CACHE={places.cache()} ROSETTA_HOME={home}/runs"
    (home / ".bash_profile").write_text(f"{profile} RAY_TMPDIR={temporary}\n")
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
        f"AuthorizedKeysFile {folder}/user_key.pub\nPasswordAuthentication no\nPermitRootLogin yes\nSetEnv HOME={home}\n"
        f"MaxStartups 50\n"
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
        "cluster_name": shipped["cluster_name"] + "-loopback",
        "provider": {"type": "local", "head_ip": "127.0.0.1", "worker_ips": []},
        "auth": {
            "ssh_user": getpass.getuser(),
            "ssh_private_key": str(folder / "user_key"),
            "ssh_proxy_command": f"{sys.executable} {proxy} {port}",
        },
        "setup_commands": [], "head_setup_commands": [], "worker_setup_commands": [], "initialization_commands": [],
        "head_start_ray_commands": [
            f"ray start --head --port={free_port()} --num-cpus={CPUS} --include-dashboard=false --disable-usage-stats"
        ],
        "worker_start_ray_commands": [],
    }  # fmt: skip
    path = folder / "cluster.yaml"
    path.write_text(yaml.safe_dump(config))
    (home / "tiny.yaml").write_text(
        yaml.safe_dump({
            "name": "submitted", "workload": {"name": "digits_cnn", "epochs": 1, "filters": [4, 8], "hidden": 16},
            "adapters": ["reference"], "design": "one-at-a-time", "settings": {"relu": ["native", "after_pool"]}, "seeds": 2,
        })
    )  # fmt: skip
    return str(path)


def submit(cluster, *arguments):
    file, ray, home = cluster
    command = [*ray, "submit", "--no-config-cache", file, str(PROJECT / "sweep.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=home)


def test_a_sweep_is_submitted_and_runs_on_the_cluster(cluster):
    done = submit(cluster, "run", str(cluster[2] / "tiny.yaml"))
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-3000:]
    folder = cluster[2] / "runs" / "submitted" / "1"
    assert "Sweep submitted" in said and (folder / "report.html").is_file()
    assert json.loads((folder / "report.json").read_text())["outcomes"]["completed"] == 4 + 2  # each seed's first row twice


def test_without_an_argument_it_is_the_articles_sweep_and_needs_gpus(cluster):
    done = submit(cluster)
    said = done.stdout + done.stderr
    assert done.returncode != 0 and f"the cluster has 0 GPU, {CPUS} CPU" in said, said[-3000:]
    assert (cluster[2] / "runs" / "article").is_dir()


def test_the_cluster_file_has_what_a_launch_needs():
    shipped = yaml.safe_load((PROJECT / "ray_cluster.yaml").read_text())
    from ray.autoscaler._private.util import prepare_config, validate_config

    validate_config(prepare_config(shipped))
    started = "\n".join(shipped["head_start_ray_commands"])
    assert "mlflow server --host 127.0.0.1" in started and "0.0.0.0" not in started
