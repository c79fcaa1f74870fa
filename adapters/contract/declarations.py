"""What declarations share: the worker's own positions, and reasons that several frameworks give.

Read by Python 3.6 to 3.13: standard library only.
"""

from adapters.contract.spec import Conflict, Supported

LOOP = {
    "data_layout": Supported("same", "adapters/common/batches.py: the arrays are stored as the network takes them"),
    "threads": Supported(
        "given",
        "the worker's environment; frameworks alone take every core, but Ray gives each task its share",
        variables={"machine": {"ROSETTA_THREADS": "machine"}},
    ),
    "shuffle": Supported("observations", "adapters/common/batches.py: the numbers of a batch's examples in two epochs"),
    "sync": Supported("every_ten", "adapters/worker.py: the step of its loop"),
}

NO_TRANSPOSITION = Conflict(
    {"loader": "framework", "data_layout": "transposed"},
    "the framework's loader hands the pictures over as they are stored",
)
NO_TF32 = Conflict({"precision": "tf32"}, "TensorFloat-32 is a format of CUDA devices", ("cpu",))
NO_CUDNN = {"cpu": "cuDNN runs on CUDA devices only"}
NO_CPU = {"cuda": "a CUDA device has its own kernels"}
