"""What this machine has for a sweep: environments and certificates."""

import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from adapters.contract.spec import AdapterSpec
from experiments.errors import EnvironmentFailed
from experiments.locations import cache
from experiments.preparation import certificates
from experiments.preparation.environments import Environment
from sweeps.console import Terminal
from sweeps.planning.config import Sweep
from sweeps.state import CERTIFICATE, SweepFolder


def copy_certificates(sweep: Sweep, folder: SweepFolder) -> list[Path]:
    """Copy this machine's certificates to the sweep's folder, for MLflow; returns the copies."""
    stored = {
        name: certificates.path(spec, sweep.workload.model, sweep.device, cache())
        for name, spec in sweep.adapters.items()
    }
    copies = [(path, folder.path / CERTIFICATE.format(name)) for name, path in stored.items() if path.is_file()]
    return [Path(shutil.copyfile(path, copy)) for path, copy in copies]


def build_environments(
    specs: Iterable[AdapterSpec], device: str, console: Terminal
) -> tuple[dict[str, bool], dict[str, str]]:
    """Build the adapters' missing environments, one per CPU at a time.

    Returns {adapter: whether it was built now} and {adapter: why it can't be built}; a failure stops no other adapter.
    Raises EnvironmentFailed if none can be built.
    """
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    shown = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with shown, ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        building = {spec.name: pool.submit(_build, spec, device, shown, console) for spec in specs}
    made: dict[str, bool] = {}
    unavailable: dict[str, str] = {}
    for name, built in building.items():
        try:
            made[name] = built.result()
        except EnvironmentFailed as error:
            unavailable[name] = str(error)
    if unavailable and not made:
        raise EnvironmentFailed(next(iter(unavailable.values())))
    for name, reason in unavailable.items():
        console.say(f"{name} is skipped: {reason}", "yellow")
    return made, unavailable


def _build(spec: AdapterSpec, device: str, shown: Progress, console: Terminal) -> bool:
    environment = Environment(spec, device, cache())
    if environment.ready:
        return False
    task = shown.add_task(f"{spec.name}: building its environment")
    try:
        new = environment.create(lambda step: shown.update(task, description=f"{spec.name}: {step}"))
    finally:
        shown.remove_task(task)
    if new:
        console.say(f"{spec.name}: environment built in {environment.folder}")
    return new
