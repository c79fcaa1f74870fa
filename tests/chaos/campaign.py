"""A campaign injects faults at random times into sweeps whose result is known, and compares the results.

    python -m tests.chaos [FAULTS] [SEED]

Each round is one sweep. Its driver is restarted whenever it dies. After the last fault, the sweep runs to its end. Then
the ledger and MLflow must equal those of a sweep without faults, and no process may survive.
"""

import os
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.chaos import state
from tests.chaos.driver import Driver
from tests.chaos.faults import FAULTS, disk_full

PER_ROUND = 10  # faults
FIRST, NEXT = (0.2, 15.0), (0.2, 4.0)  # seconds from a driver's start to the first fault, and between faults
END = 300.0  # seconds that a driver may take to finish
STARTS = 40  # maximum starts of a driver in a round
SMALL_DISK = 4  # every fourth round has a small disk, which can fill up


@dataclass
class Tally:
    """The result of a campaign or of a round. Every list is of defects and must be empty."""

    faults: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    starts: int = 0
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    survivors: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)

    def __iadd__(self, other: "Tally") -> "Tally":
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self

    @property
    def defects(self) -> dict[str, list[str]]:
        return {name: getattr(self, name) for name in ("lost", "duplicated", "running", "wrong", "survivors", "stuck")}

    @property
    def clean(self) -> bool:
        return not any(self.defects.values())

    def __str__(self) -> str:
        lines = [f"{self.faults.total()} faults in {self.rounds} sweeps, {self.starts} starts of a driver"]
        lines += [f"  {times:4} {name.replace('_', ' ')}" for name, times in self.faults.most_common()]
        return "\n".join(lines + [f"{len(found)} {name} {found[:5] or ''}" for name, found in self.defects.items()])


def run_without_faults() -> dict[str, float]:
    """{identity: accuracy} of the sweep without faults."""
    driver = Driver()
    try:
        driver.start()
        assert driver.wait(END) == 0, driver.log
        known = state.accuracies(driver.database)
        assert known and sorted(state.ledger(driver.folder)) == sorted((identity, "completed") for identity in known)
        return known
    finally:
        state.survivors(driver.mark, 10)
        driver.close()


def campaign(faults: int, seed: int, known: dict[str, float]) -> Tally:
    """Inject `faults` faults in rounds, with one round per CPU at a time."""
    tally = Tally()
    sizes = [min(PER_ROUND, faults - done) for done in range(0, faults, PER_ROUND)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(lambda one: a_round(*one, seed, known), enumerate(sizes)):
            tally += found
            print(
                f"round {tally.rounds}: {tally.faults.total()} faults, {'clean' if tally.clean else tally}", flush=True
            )
    return tally


def a_round(number: int, faults: int, seed: int, known: dict[str, float]) -> Tally:
    """One sweep, and more if it ends before its last fault. Seed and number determine the faults and their times."""
    tally, chance = Tally(), random.Random(f"{seed}/{number}")
    while tally.faults.total() < faults:
        driver = Driver(small_disk=number % SMALL_DISK == SMALL_DISK - 1)
        try:
            _disturb(driver, chance, faults - tally.faults.total(), tally)
            _compare(driver, known, tally)
        finally:
            tally.rounds += 1
            tally.survivors += state.survivors(driver.mark).values()
            driver.close()
    return tally


def _disturb(driver: Driver, chance: random.Random, faults: int, tally: Tally) -> None:
    """Inject faults while the sweep runs, then let it finish."""
    for _ in range(STARTS):
        tally.starts += 1
        driver.start()
        pause = FIRST
        while faults and driver.alive:
            time.sleep(chance.uniform(*pause))
            pause = NEXT
            fault = chance.choice([fault for fault in FAULTS if fault is not disk_full or driver.small_disk])
            if driver.alive and fault(driver, chance):
                tally.faults[fault.__name__] += 1
                faults -= 1
        if driver.wait(END) == 0:
            return
        tally.survivors += state.survivors(driver.mark).values()
    tally.stuck.append(driver.log[-2000:])


def _compare(driver: Driver, known: dict[str, float], tally: Tally) -> None:
    ledger, runs = state.ledger(driver.folder), state.runs(driver.database)
    identities = [identity for identity, _ in ledger]
    in_mlflow = [identity for identity, _ in runs if identity]
    tally.lost += [
        f"{identity} in {place}"
        for place, found in (("ledger", identities), ("MLflow", in_mlflow))
        for identity in known.keys() - set(found)
    ]
    tally.duplicated += [*state.twice(identities), *state.twice(in_mlflow), *state.repeated_epochs(driver.database)]
    tally.running += [str(run) for run in runs if run[1] == "RUNNING"]
    tally.wrong += [
        f"{identity} {outcome}: {driver.error(identity)}" for identity, outcome in ledger if outcome != "completed"
    ]
    found = state.accuracies(driver.database)
    tally.wrong += [
        f"{identity}: {found.get(identity)} for {accuracy}"
        for identity, accuracy in known.items()
        if found.get(identity) != accuracy
    ]
