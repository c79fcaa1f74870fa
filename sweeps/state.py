"""A sweep's state on disk."""

import itertools
from pathlib import Path

from experiments.errors import SweepError
from experiments.trials.records import TrialRecord
from experiments.trials.trial import Event, Trial

CERTIFICATE = "certificate-{}.json"
REPORT = ("report.*", "*.png", "*.csv", "*.parquet")


class SweepFolder:
    """A sweep's state: HOME/NAME/N/, N counting the fresh starts. The one owner of its file names."""

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
        """Every trial that was ever started."""
        return [TrialRecord(path.parent) for path in sorted(self.path.glob("trials/*/events.jsonl"))]

    def outcome(self, identity: str) -> Event | None:
        """The outcome of a trial, if it is recorded."""
        return TrialRecord(self.path / "trials" / identity).outcome()

    def outcomes(self) -> dict[str, Event]:
        """{identity: outcome event} of the trials that have one."""
        return {record.folder.name: found for record in self.records() if (found := record.outcome())}

    def attached(self) -> list[Path]:
        """What goes with the sweep's run in MLflow: plan, sweep file, certificates, and the report where there is one."""
        kept = (self.path.glob(pattern) for pattern in ("plan.json", "sweep.yaml", CERTIFICATE.format("*"), *REPORT))
        return sorted(itertools.chain(*kept))


def latest(home: Path, name: str) -> SweepFolder | None:
    """The newest state of a sweep in this home."""
    numbers = [int(path.name) for path in (home / name).glob("*") if path.name.isdigit()]
    return SweepFolder(home, name, max(numbers)) if numbers else None


def open_folder(home: Path, name: str, fresh: bool) -> SweepFolder:
    """The sweep's newest folder, or a new one. Raises SweepError where the home can't be written."""
    found = latest(home, name)
    folder = found if found and not fresh else SweepFolder(home, name, found.number + 1 if found else 1)
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SweepError(
            f"'{folder.path}' can't be made: {error.strerror}; choose another place with --home"
        ) from error
    return folder
