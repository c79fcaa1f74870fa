"""A training step of each adapter beside the plain loop of the published notebook, ported to the same version.

    python -m benchmarks.steps [--model NETWORK] [--processes N] [--rounds N] [ADAPTER ...]

Published network, batch 64, two threads; the adapter's default settings but for those of the notebook. Adapter and
plain loop each have a process of the framework's interpreter, the adapter's started as a trial's is; they take turns,
and a new pair of processes follows. The result is the median of the rounds' ratios (1.10: the adapter is 10 % faster).
Busy machines need more rounds.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile

import numpy as np

from adapters import load_spec
from adapters.networks import NETWORKS
from benchmarks.plain_loops import loops
from experiments import locations
from experiments.preparation.environments import Environment
from experiments.running import worker_process

SIDES = ("adapter", "plain")


class Side:
    """One of the two processes."""

    def __init__(self, environment: Environment, model: str, side: str):
        spec = environment.spec
        variables = worker_process.worker_environment(spec.environment_variables(spec.native(model)), 2)
        if side == "plain":  # no notebook sets these
            variables = {
                name: value for name, value in variables.items() if name not in worker_process.MEMORY_VARIABLES
            }
        command = [str(environment.python), "-m", "benchmarks.plain_loops", spec.name, model, side]
        self.log = tempfile.TemporaryFile("w+")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self.log}
        self.process = subprocess.Popen(command, env=variables, text=True, bufsize=1, **pipes)

    def turn(self) -> float:
        """Seconds per step. The side that is not on turn is stopped: some frameworks' threads wait by spinning."""
        assert self.process.stdin and self.process.stdout
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write("go\n")
        seconds = float(json.loads(self.process.stdout.readline())["seconds"])
        self.process.send_signal(signal.SIGSTOP)
        return seconds

    def end(self) -> str:
        """Kill the process; returns the end of what it said."""
        self.process.kill()
        self.process.wait()
        self.log.seek(0)
        return self.log.read()[-500:]


def rounds(environment: Environment, model: str, count: int) -> list[dict[str, float]]:
    """Seconds of a step of both sides, in each round of one pair of processes."""
    sides = {side: Side(environment, model, side) for side in SIDES}
    try:
        taken = [
            {side: sides[side].turn() for side in sorted(SIDES, reverse=bool(number % 2))}
            for number in range(count + 1)
        ]
    except (OSError, ValueError):
        sys.exit(f"{environment.spec.name}: " + "\n".join(f"{side} ended: {one.end()}" for side, one in sides.items()))
    finally:
        for one in sides.values():
            one.end()
    return taken[1:]  # the first round warms up


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("adapters", nargs="*")
    parser.add_argument("--model", choices=NETWORKS, default=next(iter(NETWORKS)))
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    for name in arguments.adapters or loops(arguments.model).LOOPS:
        environment = Environment(load_spec(name), "cpu", locations.cache())
        environment.create()
        taken = [
            one for _ in range(arguments.processes) for one in rounds(environment, arguments.model, arguments.rounds)
        ]
        # Within a round, for the machine's speed changes from one to the next.
        low, median, high = np.percentile([one["plain"] / one["adapter"] for one in taken], (25, 50, 75))
        adapter, plain = (f"{1000 * np.median([one[side] for one in taken]):.0f} ms" for side in SIDES)
        print(
            f"{name} {arguments.model}: {median:.2f} times the plain loop's speed "
            f"(half of {len(taken)} rounds: {low:.2f} to {high:.2f}; {adapter} and {plain} per step)",
            flush=True,
        )


if __name__ == "__main__":
    main()
