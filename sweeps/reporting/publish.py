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
from sweeps.planning import stored
from sweeps.reporting import figures, rendering, report
from sweeps.reporting.results import Record, summary
from sweeps.state import CERTIFICATE, SweepFolder

CURVES = 10  # runs at native settings whose learning curves are read, of each adapter


def read_record(mlflow: SweepRun) -> Record:
    """A sweep as it is in MLflow now, without its learning curves."""
    with tempfile.TemporaryDirectory() as scratch:
        files = reader.read_files(mlflow, ("plan.json", CERTIFICATE.format("*")), Path(scratch))
    plan = stored.plan(files.get("plan.json"), mlflow.experiment)
    certificates = {name: files.get(CERTIFICATE.format(name)) for name in plan["adapters"]}
    return Record(
        sweep=plan["sweep"],
        tracking_uri=without_passwords(mlflow.uri),
        experiment=mlflow.experiment,
        parent_run_id=mlflow.run_id,
        plan=plan,
        runs=reader.read_runs(mlflow),
        certificates={name: stored.cases(cases, name) for name, cases in certificates.items() if cases},
    )


def _with_curves(record: Record, mlflow: SweepRun) -> Record:
    native = [record.native(name).head(CURVES) for name in record.plan["adapters"]]
    return replace(record, curves=reader.read_curves(mlflow, pd.concat(native)))


def write_report(mlflow: SweepRun, folder: SweepFolder, console: Terminal) -> dict[str, Any]:
    """Make the report from MLflow, keep it beside the sweep's state and on the parent run; returns its summary."""
    with rendering.processes() as processes:
        javascript = rendering.javascript(processes)
        record = _with_curves(read_record(mlflow), mlflow)
        folder.path.mkdir(parents=True, exist_ok=True)
        found, drawn = summary(record), figures.charts(record)
        pictures = rendering.pictures(processes, drawn)
        files = {
            folder.report.name: report.html(record, drawn, javascript.result()).encode(),
            "report.json": json.dumps(found, indent=1).encode(),
            **_tables(record),
            **{name: picture.result() for name, picture in pictures.items()},
        }
    for name, content in files.items():
        (folder.path / name).write_bytes(content)
    store.log_files(mlflow, [folder.path / name for name in files], report.description(record))
    console.print(*report.tables(record))
    console.say(f"Report: {folder.report}")
    console.say(f"MLflow: {without_passwords(mlflow.uri)}, experiment '{mlflow.experiment}'")
    return found


def _tables(record: Record) -> dict[str, bytes]:
    """{file name: content}: every run and every effect, for other programs."""
    effects = pd.DataFrame([effect._asdict() for effect in record.effects])
    tables = {name: table for name, table in (("runs", record.runs), ("effects", effects)) if not table.empty}
    csv = {f"{name}.csv": table.to_csv(index=False).encode() for name, table in tables.items()}
    return csv | {f"{name}.parquet": table.to_parquet(index=False) for name, table in tables.items()}
