"""A sweep of a campaign, with its own home and process mark. Its driver is restarted until it reports success."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from experiments import locations
from experiments.locations import PROJECT
from experiments.trials.records import TrialRecord

SWEEP = {
    "name": "chaos",
    "workload": {"name": "digits_cnn", "epochs": 2, "filters": [4, 8], "hidden": 16, "train_examples": 256},
    "adapters": ["reference"],
    "design": "one-at-a-time",
    "settings": {"init": ["native", "lecun_normal"], "relu": ["before_pool", "after_pool"]},
    "seeds": 6,
}
SMALL = "64m"  # the size of a disk that fills up


class Driver:
    """The driver process of one sweep, which can be killed and restarted."""

    def __init__(self, small_disk: bool = False):
        self.base = Path(tempfile.mkdtemp(prefix="c-", dir="/tmp"))  # short, because Ray's sockets are below it
        self.mark = f"TMPDIR={self.base}"  # workers inherit it too
        self.home = self.base / "home"
        self.home.mkdir()
        self.small_disk = small_disk and _mounted(self.home)
        self.folder = self.home / SWEEP["name"] / "1"
        self.database = self.home / "mlflow.db"
        self.file = self.base / "sweep.yaml"
        self.file.write_text(yaml.safe_dump(SWEEP))
        self.process: subprocess.Popen[str] | None = None
        self.starts = 0

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "TMPDIR": str(self.base), "ROSETTA_CACHE": str(locations.cache())}

    @property
    def command(self) -> list[str]:
        return [sys.executable, str(PROJECT / "sweep.py"), "run", str(self.file), "--home", str(self.home)]

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        self.starts += 1
        log = (self.base / f"driver-{self.starts:02}.log").open("w")
        self.process = subprocess.Popen(
            self.command,
            cwd=self.base,
            env=self.environment,
            stdout=log,
            stderr=log,
            text=True,
            # Background jobs of a shell ignore SIGINT, and so do their children.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )

    def another(self) -> subprocess.CompletedProcess[str]:
        """Run a second driver of the same sweep to its end."""
        return subprocess.run(
            self.command, cwd=self.base, env=self.environment, capture_output=True, text=True, timeout=120
        )

    def end(self, sent: signal.Signals) -> bool:
        """Send the driver a signal and wait until it ends. Returns whether it was running."""
        if not self.alive:
            return False
        self.process.send_signal(sent)
        self.wait(120)
        return True

    def wait(self, seconds: float) -> int | None:
        """The driver's exit status. None if it was still running after `seconds` and was killed."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return None

    @property
    def log(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.base.glob("driver-*.log")))

    def error(self, identity: str) -> str:
        """The error in a trial's record."""
        return str((TrialRecord(self.folder / "trials" / identity).outcome() or {}).get("error"))

    def close(self) -> None:
        if self.small_disk:
            subprocess.run(["umount", "-l", str(self.home)], check=False)
        shutil.rmtree(self.base, ignore_errors=True)


def _mounted(folder: Path) -> bool:
    """Mount a small disk. Returns whether it worked: it needs the permission to mount."""
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "none", str(folder)], capture_output=True)
    return done.returncode == 0
