"""The folder of a sweep: its state on disk."""

import itertools
from pathlib import Path

from experiments.errors import SweepError
from experiments.trials.records import TrialRecord
from experiments.trials.trial import Event, Trial

CERTIFICATE = "certificate-{}.json"
REPORT = ("report.*", "*.png", "*.csv", "*.parquet")


class SweepFolder:
    """The folder HOME/NAME/N/ of a sweep, where N counts the fresh starts. This class owns the file names in it."""

    def __init__(self, home: Path, name: str, number: int):
        self.home, self.name, self.number = home, name, number
        self.path = home / name / str(number)

    @property
    def plan(self) -> Path:
        return self.path / "plan.json"

    @property
    def sweep(self) -> Path:
        return self.path / "sweep.yaml"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    def record(self, trial: Trial) -> TrialRecord:
        return TrialRecord(self.path / "trials" / trial.identity)

    @property
    def title(self) -> str:
        return f"{self.name}/{self.number}"

    def records(self) -> list[TrialRecord]:
        """The records of all trials that were started."""
        return [TrialRecord(path.parent) for path in sorted(self.path.glob("trials/*/events.jsonl"))]

    def outcome(self, identity: str) -> Event | None:
        """The recorded outcome of a trial, or None."""
        return TrialRecord(self.path / "trials" / identity).outcome()

    def outcomes(self) -> dict[str, Event]:
        """{identity: outcome event} of the trials that have an outcome."""
        return {record.folder.name: found for record in self.records() if (found := record.outcome())}

    def attached(self) -> list[Path]:
        """The files to attach to the sweep's run in MLflow: plan, sweep file, certificates and report."""
        kept = (self.path.glob(pattern) for pattern in ("plan.json", "sweep.yaml", CERTIFICATE.format("*"), *REPORT))
        return sorted(itertools.chain(*kept))


def latest(home: Path, name: str) -> SweepFolder | None:
    """The newest folder of a sweep in this home, or None."""
    numbers = [int(path.name) for path in (home / name).glob("*") if path.name.isdigit()]
    return SweepFolder(home, name, max(numbers)) if numbers else None


def open_folder(home: Path, name: str, fresh: bool) -> SweepFolder:
    """The sweep's newest folder, or a new one if fresh or there is none. Raises SweepError if it can't be created."""
    found = latest(home, name)
    folder = found if found and not fresh else SweepFolder(home, name, found.number + 1 if found else 1)
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SweepError(
            f"'{folder.path}' can't be created: {error.strerror}; choose another folder with --home"
        ) from error
    return folder
