"""A training step of each adapter beside the plain loop of the published notebook, ported to the same version.

    python -m benchmarks.steps [--model gru] [--rounds N] [ADAPTER ...]

Published network (cnn: 32x32 pictures; gru: 150 words), batch 64, two threads, the adapter's native settings but for layout,
labels and ReLU order, which are the notebook's. Adapter and plain loop alternate in one process of the framework's
interpreter, in turns first; the median of the rounds' ratios is what counts (1.10: the adapter is 10 % faster). Busy machines want more rounds.
"""

import argparse
import subprocess

from adapters import load_spec
from benchmarks.plain_loops import LOOPS
from experiments import places, worker_process
from experiments.environment import Environment


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("adapters", nargs="*")
    parser.add_argument("--model", choices=LOOPS, default="cnn")
    parser.add_argument("--rounds", type=int, default=8)
    arguments = parser.parse_args()
    model = arguments.model
    for name in arguments.adapters or LOOPS[model]:
        spec = load_spec(name)
        environment = Environment(spec, "cpu", places.cache())
        environment.create()
        variables = worker_process.worker_environment(spec.environment_variables(spec.native(model)), 2)
        command = [str(environment.python), "-m", "benchmarks.plain_loops", name, model, str(arguments.rounds)]
        done = subprocess.run(command, env=variables, capture_output=True, text=True)
        print(done.stdout.strip() or f"{name}: {done.stderr[-500:]}", flush=True)


if __name__ == "__main__":
    main()
