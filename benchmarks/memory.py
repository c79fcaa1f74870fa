"""Memory of the driver and the recorder over a sweep of null trials. It should not grow.

    python -m benchmarks.memory [TRIALS]

Prints the resident memory of both processes after each fifth of the sweep.
"""

import os
import sys
import tempfile
from pathlib import Path

import ray

from benchmarks import overhead
from sweeps.execution import driver


def main() -> None:
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        null_sweep = overhead.ours(trials, Path(folder))
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        driver._take = watched(driver._take, trials // 5)
        null_sweep()


def watched(take, every):
    """The driver's `_take`, which also prints the memory after every `every` outcomes."""
    done = 0

    def take_and_watch(trial, event, state, ledger, recorder):
        nonlocal done
        take(trial, event, state, ledger, recorder)
        done += event["event"] == "outcome"
        if event["event"] == "outcome" and done % every == 0:
            print(
                f"{done} trials: driver {resident(os.getpid())} MiB, recorder {resident(recorder.process.pid)} MiB",
                flush=True,
            )

    return take_and_watch


def resident(process: int) -> int:
    """Resident memory of a process in MiB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


if __name__ == "__main__":
    main()
