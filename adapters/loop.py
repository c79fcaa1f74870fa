"""What the worker decides, and no framework: positions that every adapter shares.

Read by Python 3.6 to 3.13: standard library only.
"""
from adapters.spec import Supported, every

LOOP = {
    "data_layout": Supported("same", every("data_layout"), "adapters/batches.py: the arrays are stored as the network takes them"),
    "threads": Supported(
        "given", every("threads"), "the worker's environment; frameworks alone take every core, but Ray gives each task its share",
        variables={"machine": {"ROSETTA_THREADS": "machine"}},
    ),
    "shuffle": Supported("observations", every("shuffle"), "adapters/batches.py: the numbers of a batch's examples in two epochs"),
    "sync": Supported("every_ten", every("sync"), "adapters/worker.py: the step of its loop"),
}
