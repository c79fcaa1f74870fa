"""The state that a sweep leaves: its ledger, its runs in MLflow, and the processes with its mark."""

import os
import signal
import sqlite3
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

STUDY = 0  # the only study in a sweep's journal


def ledger(folder: Path) -> list[tuple[str, str]]:
    """[(identity, outcome)] of every trial with an outcome, including repetitions."""
    trials = JournalStorage(JournalFileBackend(str(folder / "ledger.journal"))).get_all_trials(STUDY)
    ended = [
        trial
        for trial in trials
        if trial.state in (TrialState.COMPLETE, TrialState.FAIL) and "identity" in trial.user_attrs
    ]
    replaced = {trial.user_attrs.get("replaces") for trial in trials}
    return [
        (trial.user_attrs["identity"], trial.user_attrs.get("outcome", "completed"))
        for trial in ended
        if trial.number not in replaced
    ]


def accuracies(database: Path) -> dict[str, float]:
    """{identity: the last accuracy} in MLflow."""
    rows = _query(
        database,
        "select t.value, m.value from runs r join tags t on t.run_uuid = r.run_uuid and t.key = 'trial' "
        "join latest_metrics m on m.run_uuid = r.run_uuid and m.key = 'accuracy' where r.lifecycle_stage = 'active'",
    )
    return dict(rows)


def runs(database: Path) -> list[tuple[str | None, str]]:
    """[(identity, status)] of every active run in MLflow. The identity of the sweep's own run is None."""
    return _query(
        database,
        "select t.value, r.status from runs r left join tags t on t.run_uuid = r.run_uuid and t.key = 'trial' "
        "where r.lifecycle_stage = 'active'",
    )


def repeated_epochs(database: Path) -> list[str]:
    """The runs whose learning curve has an epoch twice."""
    rows = _query(
        database,
        "select run_uuid, step from metrics where key = 'train_loss' group by run_uuid, step having count(*) > 1",
    )
    return [run for run, _ in rows]


def _query(database: Path, query: str) -> list:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def marked(mark: str) -> dict[int, str]:
    """{process: its command} of every running process whose environment contains the mark."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (
                mark.encode() in (folder / "environ").read_bytes().split(b"\0")
                and "(zombie)" not in (folder / "status").read_text()
            ):
                found[int(folder.name)] = (
                    (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                )
    found.pop(os.getpid(), None)
    return found


def survivors(mark: str, seconds: float = 90.0) -> dict[int, str]:
    """The processes that still run after `seconds`; they are killed. Ray's agents take time: they wait for the GCS."""
    end = time.monotonic() + seconds
    while (left := marked(mark)) and time.monotonic() < end:
        time.sleep(0.1)
    for process in left:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    return left


def twice(identities: list[str]) -> list[str]:
    return [identity for identity, times in Counter(identities).items() if times > 1]
