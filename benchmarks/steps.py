"""A training step of each adapter beside the plain loop of the published notebook, ported to the same version.

    python -m benchmarks.steps [ADAPTER ...]

Published network, 32x32 pictures, batch 64, two threads, the adapter's native settings but for layout,
labels and ReLU order, which are the notebook's. Adapter and plain loop alternate in one process of
the framework's interpreter; the ratio of medians is what counts (1.10: the adapter is 10 % faster).
"""

import subprocess
import sys

from adapters import load_spec
from experiments import places, worker_process
from experiments.environment import Environment

COMPARED = ("pytorch", "tensorflow", "mxnet-gluon", "chainer", "cntk", "caffe2")


def main() -> None:
    for name in sys.argv[1:] or COMPARED:
        spec = load_spec(name)
        environment = Environment(spec, "cpu", places.cache())
        environment.create()
        variables = worker_process.worker_environment(spec.environment_variables(spec.native("cnn")), 2)
        done = subprocess.run(
            [str(environment.python), "-m", "benchmarks.plain_loops", name], env=variables, capture_output=True, text=True
        )
        print(done.stdout.strip() or f"{name}: {done.stderr[-500:]}", flush=True)


if __name__ == "__main__":
    main()
