"""Time a training step: the adapter's or the plain loop's, on the published network.

    PYTHON -m benchmarks.plain_loops ADAPTER NETWORK adapter|plain

Runs in a framework's interpreter (Python 3.6 and later).
"""

import sys
import time

import numpy as np

from adapters import load, load_spec
from adapters.networks import load_network
from adapters.worker import Events
from benchmarks.plain_loops import loops

STEPS = 4


def stepping(name, model, side):
    """A step of the adapter, or of the plain loop, on one batch, as a function without arguments."""
    spec, definition, module = load_spec(name), load_network(model), loops(model)
    network = definition.fields(threads=2, device="cpu", **definition.published)
    plain, published = module.LOOPS[name]()
    settings = dict(spec.native(model), **published)
    random = np.random.RandomState(0)
    x = module.examples(random, settings)
    y = {"sparse": random.randint(0, network.classes, 64).astype(np.int32)}
    y["one_hot"] = np.eye(network.classes, dtype=np.float32)[y["sparse"]]
    y = y[settings["labels"]]
    if side == "plain":
        return lambda: plain(x, y)
    adapter = load(spec.models[model])(network, settings, 0)

    def step():
        adapter.train_step(x, y)
        adapter.synchronize()

    return step


def main(name, model, side):
    """Take some steps for each line of standard input, and print the seconds per step."""
    emit, step = Events(), stepping(name, model, side)
    for _ in sys.stdin:
        start = time.perf_counter()
        for _ in range(STEPS):
            step()
        emit("steps", seconds=(time.perf_counter() - start) / STEPS)


if __name__ == "__main__":
    main(*sys.argv[1:])
