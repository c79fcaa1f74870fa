"""A campaign: faults at random moments in sweeps with a known answer, and whether what remains is that answer.

    python -m tests.chaos [FAULTS] [SEED]

Each round is one sweep. Its driver is started again whenever it has died, as a person would; after its faults it is left to
end. Then ledger and MLflow must be those of a sweep that nobody disturbed, and no process may be left.
"""

import random
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.chaos import state
from tests.chaos.driver import Driver
from tests.chaos.faults import FAULTS, disk_full

PER_ROUND = 8
PAUSE = (0.2, 6.0)  # seconds between two faults
END = 300.0  # seconds that a driver may take to its end
STARTS = 30  # of a driver in a round


@dataclass
class Tally:
    """What a campaign found; every list is of things that must not be."""

    faults: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    starts: int = 0
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    survivors: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not any((self.lost, self.duplicated, self.running, self.wrong, self.survivors, self.stuck))

    def __str__(self) -> str:
        lines = [f"{sum(self.faults.values())} faults in {self.rounds} sweeps, {self.starts} starts of a driver"]
        lines += [f"  {times:4} {name.replace('_', ' ')}" for name, times in self.faults.most_common()]
        names = ("lost", "duplicated", "running", "wrong", "survivors", "stuck")
        lines += [f"{len(getattr(self, name))} {name} {getattr(self, name)[:5] or ''}" for name in names]
        return "\n".join(lines)


def undisturbed() -> dict[str, float]:
    """{identity: accuracy} of the sweep that is left alone."""
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


def campaign(faults: int, seed: int, known: dict[str, float], tally: Tally | None = None) -> Tally:
    """Inject so many faults, in rounds, until all are done."""
    chance, tally = random.Random(seed), tally or Tally()
    while sum(tally.faults.values()) < faults:
        driver = Driver(small_disk=tally.rounds % 4 == 3)
        try:
            _disturb(driver, chance, min(PER_ROUND, faults - sum(tally.faults.values())), tally)
            _compare(driver, known, tally)
        finally:
            tally.rounds += 1
            tally.survivors += state.survivors(driver.mark).values()
            driver.close()
        print(f"round {tally.rounds}: {sum(tally.faults.values())} faults, {'clean' if tally.clean else tally}", flush=True)
    return tally


def _disturb(driver: Driver, chance: random.Random, faults: int, tally: Tally) -> None:
    """Inject faults while the sweep runs, then let it end; a sweep that ends early has had its faults."""
    for _ in range(STARTS):
        tally.starts += 1
        driver.start()
        while faults and driver.alive:
            time.sleep(chance.uniform(*PAUSE))
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
    shown = [identity for identity, _ in runs if identity]
    tally.lost += [f"{identity} in {place}" for place, found in (("ledger", identities), ("MLflow", shown)) for identity in known.keys() - set(found)]
    tally.duplicated += [*state.twice(identities), *state.twice(shown), *state.repeated_epochs(driver.database)]
    tally.running += [str(run) for run in runs if run[1] == "RUNNING"]
    tally.wrong += [f"{identity} {outcome}" for identity, outcome in ledger if outcome != "completed"]
    found = state.accuracies(driver.database)
    tally.wrong += [f"{identity}: {found.get(identity)} for {accuracy}" for identity, accuracy in known.items() if found.get(identity) != accuracy]
