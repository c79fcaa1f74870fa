"""A sweep's report, made from MLflow. What draws and computes takes seconds to import: a sweep runs first."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.recording import reader, store
from experiments.recording.store import SweepRun
from experiments.redaction import without_passwords
from sweeps.console import Terminal
from sweeps.planning import plan as plans
from sweeps.reporting import figures, html, rendering, tables
from sweeps.reporting.results import Case, Cases, Results, summary
from sweeps.state import CERTIFICATE, SweepFolder

CURVES = 10  # runs at native settings whose learning curves are read, of each adapter


def read_results(mlflow: SweepRun) -> Results:
    """A sweep as it is in MLflow now, without its learning curves."""
    with tempfile.TemporaryDirectory() as scratch:
        files = reader.read_files(mlflow, ("plan.json", CERTIFICATE.format("*")), Path(scratch))
    plan = plans.parsed(files.get("plan.json"), f"plan of sweep '{mlflow.experiment}' in MLflow")
    certificates = {name: files.get(CERTIFICATE.format(name)) for name in plan.adapters}
    return Results(
        sweep=plan.sweep,
        tracking_uri=without_passwords(mlflow.uri),
        experiment=mlflow.experiment,
        parent_run_id=mlflow.run_id,
        plan=plan,
        runs=reader.read_runs(mlflow),
        certificates={name: _cases(content, name) for name, content in certificates.items() if content},
    )


def _cases(content: Any, adapter: str) -> list[Case]:
    cases: Cases = plans.checked(Cases, content, f"certificate of {adapter} in MLflow")
    return cases.root


def _with_curves(results: Results, mlflow: SweepRun) -> Results:
    native = [results.native(name).head(CURVES) for name in results.plan.adapters]
    return replace(results, curves=reader.read_curves(mlflow, pd.concat(native)))


def write_report(mlflow: SweepRun, folder: SweepFolder, console: Terminal) -> dict[str, Any]:
    """Make the report from MLflow, keep it beside the sweep's state and on the parent run; returns its summary."""
    with rendering.processes() as processes:
        javascript = rendering.javascript(processes)
        results = _with_curves(read_results(mlflow), mlflow)
        folder.path.mkdir(parents=True, exist_ok=True)
        found, drawn = summary(results), figures.charts(results)
        pictures = rendering.pictures(processes, drawn)
        files = {
            folder.report.name: html.report(results, drawn, javascript.result()).encode(),
            "report.json": json.dumps(found, indent=1).encode(),
            **_tables(results),
            **{name: picture.result() for name, picture in pictures.items()},
        }
    for name, content in files.items():
        (folder.path / name).write_bytes(content)
    store.log_files(mlflow, [folder.path / name for name in files], tables.description(results))
    console.print(*tables.tables(results))
    console.say(f"Report: {folder.report}")
    console.say(f"MLflow: {without_passwords(mlflow.uri)}, experiment '{mlflow.experiment}'")
    return found


def _tables(results: Results) -> dict[str, bytes]:
    """{file name: content}: every run and every effect, for other programs."""
    effects = pd.DataFrame([effect._asdict() for effect in results.effects])
    frames = {name: table for name, table in (("runs", results.runs), ("effects", effects)) if not table.empty}
    csv = {f"{name}.csv": table.to_csv(index=False).encode() for name, table in frames.items()}
    return csv | {f"{name}.parquet": table.to_parquet(index=False) for name, table in frames.items()}
