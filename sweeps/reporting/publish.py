"""Publishing: writes a sweep's report from MLflow. Its imports take seconds, so a sweep imports it after its trials."""

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

CURVES = 10  # learning curves that are read of each adapter, of runs with default settings


def read_results(mlflow: SweepRun) -> Results:
    """The results that MLflow has of a sweep now, without learning curves."""
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
    runs = [results.default_runs(name).head(CURVES) for name in results.plan.adapters]
    return replace(results, curves=reader.read_curves(mlflow, pd.concat(runs)))


def write_report(mlflow: SweepRun, folder: SweepFolder, console: Terminal) -> dict[str, Any]:
    """Write the report from MLflow to the sweep's folder and its run in MLflow; returns the summary."""
    with rendering.processes() as processes:
        javascript = rendering.javascript(processes)
        results = _with_curves(read_results(mlflow), mlflow)
        folder.path.mkdir(parents=True, exist_ok=True)
        found, drawn = summary(results), figures.charts(results)
        images = rendering.images(processes, drawn)
        files = {
            folder.report.name: html.report(results, drawn, javascript.result()).encode(),
            "report.json": json.dumps(found, indent=1).encode(),
            **_tables(results),
            **{name: image.result() for name, image in images.items()},
        }
    for name, content in files.items():
        (folder.path / name).write_bytes(content)
    store.log_files(mlflow, [folder.path / name for name in files], tables.description(results))
    console.print(*tables.tables(results))
    console.say(f"Report: {folder.report}")
    console.say(f"MLflow: {without_passwords(mlflow.uri)}, experiment '{mlflow.experiment}'")
    return found


def _tables(results: Results) -> dict[str, bytes]:
    """{file name: content}: tables of all runs and all effects, for other programs."""
    effects = pd.DataFrame([effect._asdict() for effect in results.effects])
    frames = {name: table for name, table in (("runs", results.runs), ("effects", effects)) if not table.empty}
    csv = {f"{name}.csv": table.to_csv(index=False).encode() for name, table in frames.items()}
    return csv | {f"{name}.parquet": table.to_parquet(index=False) for name, table in frames.items()}
