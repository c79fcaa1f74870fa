"""The documentation's images, made from a finished sweep: `python -m docs.screenshots [HOME/NAME]`.

HOME/NAME is runs/quick by default. Needs Chromium and the sweep's own MLflow store (HOME/mlflow.db), no network.
Writes docs/images/*.png.
"""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

from PIL import Image
from rich.console import Console
from rich.text import Text

from docs.generator.browser import Box, Browser, browser
from experiments.locations import PROJECT

IMAGES = PROJECT / "docs" / "images"
LARGEST = 200_000  # bytes of an image
WIDTH = 80  # columns of the terminal
PYTHON = sys.executable
TERMINAL = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; display: inline-block; background: #16181c }}
pre {{ margin: 0; padding: 14px 18px; color: #e8e8e8; font: 14px/1.35 "DejaVu Sans Mono", monospace }}</style>
<pre>{}</pre>"""
DRAWN = "[...document.querySelectorAll('.chart')].every((one) => one.querySelector('svg'))"


def main(sweep: Path) -> None:
    """Make every image of a sweep's folder HOME/NAME, of its newest run. Raises RuntimeError where one is too large."""
    run = max((path for path in sweep.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))
    with browser() as chromium, tempfile.TemporaryDirectory() as scratch:
        report(chromium, run)
        terminal(chromium, sweep, Path(scratch))
        rosetta(chromium, Path(scratch))
        mlflow(chromium, sweep.parent / "mlflow.db", run)
    for path in sorted(IMAGES.glob("*.png")):
        _shrink(path)


def report(chromium: Browser, run: Path) -> None:
    """The report's first screen, and its figures of accuracy."""
    chromium.open((run / "report.html").as_uri(), 960, 700, scale=1.5)
    chromium.wait(DRAWN)
    chromium.image(IMAGES / "report.png", Box(0, 0, 960, 700))
    for name in ("forest_accuracy", "heat_map"):
        figure = chromium.box(f"#{name}")
        chromium.image(IMAGES / f"{name.replace('_', '-')}.png", Box(0, figure.y, 960, figure.height))


def terminal(chromium: Browser, sweep: Path, scratch: Path) -> None:
    """What `report` prints on a terminal of 80 columns."""
    command = ["report", sweep.name, "--home", str(sweep.parent)]
    printed = _program(command, COLUMNS=str(WIDTH), FORCE_COLOR="1", TERM="xterm-256color", NO_COLOR="")
    text = printed.replace(f"{sweep.parent}/", "runs/")
    shown = Console(record=True, width=WIDTH, file=StringIO())
    shown.print(Text.from_ansi(f"$ rosetta report {sweep.name}\n{text}"), soft_wrap=True)
    body = shown.export_html(inline_styles=True, code_format="{code}")
    page = scratch / "terminal.html"
    page.write_text(TERMINAL.format(body))
    chromium.open(page.as_uri(), 900, 600, scale=1.5)
    chromium.image(IMAGES / "terminal.png", chromium.box("body"))


def rosetta(chromium: Browser, scratch: Path) -> None:
    """A page with the network in two frameworks: the section that builds it."""
    page = scratch / "rosetta.html"
    _program(["rosetta", "pytorch", "tensorflow", "--output", str(page)])
    chromium.open(page.as_uri(), 1200, 800)
    chromium.image(IMAGES / "rosetta.png", Box(0, chromium.box("#network").y, 1200, 720))


def mlflow(chromium: Browser, store: Path, run: Path) -> None:
    """MLflow's table of the sweep's trials, with the columns that a reader would choose."""
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as database:
        query = "select experiment_id from experiments where name = ?"
        (experiment,) = database.execute(query, [run.parent.name]).fetchone()
    with _mlflow_ui(store) as address:
        chromium.open(f"{address}/health", 1400, 760)
        for key, value in _mlflow_state(experiment, run).items():
            chromium.evaluate(f"localStorage.setItem({json.dumps(key)}, {json.dumps(json.dumps(value))})")
        chromium.open(f"{address}/#/experiments/{experiment}/runs?workflowType=machine_learning", 1400, 760)
        chromium.wait("document.body.innerText.includes('native')", seconds=120)
        time.sleep(5)  # icons and columns come after the rows
        chromium.evaluate("document.querySelectorAll('[data-radix-popper-content-wrapper]').forEach((o) => o.remove())")
        chromium.image(IMAGES / "mlflow.png", Box(0, 0, 1400, 760))


def _mlflow_state(experiment: int, run: Path) -> dict[str, Any]:
    """What MLflow's page remembers in the browser: the sweep's run expanded, chosen columns, no assistant."""
    parent = json.loads((run / "mlflow.json").read_text())["run_id"]
    shown = [f"params.`{name}`" for name in ("adapter", "init", "momentum", "loss")]
    view = {"selectedColumns": ["metrics.`accuracy`", "metrics.`step_ms_median`", *shown], "columnOrder": []}
    page = f'MLflowLocalStorage-1.1-ExperimentPage-["{experiment}"]-ReactComponentState'
    return {
        page: {"runsExpanded": {parent: True}, "runsPinned": [], "runsHidden": [], **view},
        "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": True,
        "mlflow.assistant.panelOpen_v1": False,
    }


def _program(arguments: list[str], **variables: str) -> str:
    """What the program prints. Raises CalledProcessError."""
    command = [PYTHON, "sweep.py", *arguments]
    environment = {name: value for name, value in {**os.environ, **variables}.items() if value}
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


@contextmanager
def _mlflow_ui(store: Path) -> Iterator[str]:
    """The address of an MLflow server over a store, on the loopback; ended with its workers at the end."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [PYTHON, "-m", "mlflow", "ui", "--backend-store-uri", f"sqlite:///{store}", "--port", str(port)]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(
            command, env={**os.environ, **quiet}, stdout=log, stderr=log, start_new_session=True, cwd=store.parent
        )
        try:
            _wait_for(address)
            yield address
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()


def _wait_for(address: str) -> None:
    for _ in range(240):
        try:
            urllib.request.urlopen(f"{address}/health").close()
            return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError(f"there is no MLflow at {address}")


def _shrink(path: Path) -> None:
    """Keep an image below LARGEST bytes, by a palette. Raises RuntimeError where that does not do."""
    Image.open(path).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
    if path.stat().st_size > LARGEST:
        raise RuntimeError(f"{path} has {path.stat().st_size:,} bytes, more than {LARGEST:,}; make it smaller")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/quick").resolve())
