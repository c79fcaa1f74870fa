"""The faults of a campaign: each disturbs a running sweep.

A fault returns whether it did something. A fault without a target is not counted.
"""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from tests.chaos import state
from tests.chaos.driver import Driver

Fault = Callable[[Driver, random.Random], bool]
TIMEOUT = 20.0  # seconds that a fault waits for its target


def _kill(driver: Driver, chance: random.Random, words: str) -> bool:
    """Kill one of the sweep's processes whose command line contains `words`, as soon as there is one."""
    end = time.monotonic() + TIMEOUT
    while driver.alive and time.monotonic() < end:
        targets = [process for process, command in state.marked(driver.mark).items() if words in command]
        if targets:
            with suppress(ProcessLookupError):
                os.kill(chance.choice(targets), signal.SIGKILL)
                return True
        time.sleep(0.05)
    return False


def worker_killed(driver: Driver, chance: random.Random) -> bool:
    return _kill(driver, chance, "adapters.worker")


def ray_worker_killed(driver: Driver, chance: random.Random) -> bool:
    return _kill(driver, chance, "ray::reference")


def raylet_killed(driver: Driver, chance: random.Random) -> bool:
    return _kill(driver, chance, "/raylet/raylet")


def gcs_killed(driver: Driver, chance: random.Random) -> bool:
    return _kill(driver, chance, "/gcs/gcs_server")


def recorder_killed(driver: Driver, chance: random.Random) -> bool:
    return _kill(driver, chance, "spawn_main")


def driver_killed(driver: Driver, chance: random.Random) -> bool:
    return driver.end(signal.SIGKILL)


def driver_terminated(driver: Driver, chance: random.Random) -> bool:
    return driver.end(signal.SIGTERM)


def driver_interrupted(driver: Driver, chance: random.Random) -> bool:
    return driver.end(signal.SIGINT)


def half_written_line(driver: Driver, chance: random.Random) -> bool:
    """The driver dies while it writes to the ledger or to a record."""
    records = list(driver.folder.glob("trials/*/events.jsonl"))
    path = chance.choice([driver.folder / "ledger.journal", *records])
    if not path.is_file() or not driver.end(signal.SIGKILL):
        return False
    with path.open("a") as file:
        file.write(
            '{"op_code": 4, "worker_id": "' if path.suffix == ".journal" else '{"event": "outcome", "kind": "compl'
        )
    return True


def second_driver(driver: Driver, chance: random.Random) -> bool:
    """A second driver of the same sweep starts. It is refused with the first one's process, and changes nothing."""
    if not (driver.folder / "driver.txt").is_file() or not driver.alive:
        return False
    done = driver.another()
    assert not driver.alive or (done.returncode == 2 and "is being run by process" in done.stderr), done.stderr
    return True


def store_locked(driver: Driver, chance: random.Random) -> bool:
    """Another process locks MLflow's SQLite file for longer than MLflow waits."""
    if not driver.database.is_file():
        return False
    threading.Thread(target=_hold, args=(driver.database, chance.uniform(3.0, 8.0)), daemon=True).start()
    return True


def _hold(database: os.PathLike[str], seconds: float) -> None:
    with suppress(sqlite3.Error):
        connection = sqlite3.connect(database, timeout=5, isolation_level=None)
        connection.execute("begin exclusive")
        time.sleep(seconds)
        connection.close()


def store_wiped(driver: Driver, chance: random.Random) -> bool:
    """The driver is killed, and MLflow's store is deleted."""
    if not driver.end(signal.SIGKILL):
        return False
    for path in driver.home.glob("mlflow.db*"):
        path.unlink()
    shutil.rmtree(driver.home / "artifacts", ignore_errors=True)
    return True


def disk_full(driver: Driver, chance: random.Random) -> bool:
    """The sweep's disk is full for a few seconds."""
    if not driver.small_disk:
        return False
    ballast = driver.home / "ballast"
    subprocess.run(["dd", "if=/dev/zero", f"of={ballast}", "bs=4k"], capture_output=True)
    time.sleep(chance.uniform(0.5, 3.0))
    ballast.unlink()
    return True


FAULTS: tuple[Fault, ...] = (
    worker_killed,
    ray_worker_killed,
    raylet_killed,
    gcs_killed,
    recorder_killed,
    driver_killed,
    driver_terminated,
    driver_interrupted,
    half_written_line,
    second_driver,
    store_locked,
    store_wiped,
    disk_full,
)
