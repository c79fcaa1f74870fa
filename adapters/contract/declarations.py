"""What declarations share: the positions that the worker implements, and reasons common to several frameworks.

Read by Python 3.6 to 3.13: standard library only.
"""

from adapters.contract.spec import Conflict, Supported

LOOP = {
    "data_layout": Supported("same", "adapters/common/batches.py: the arrays are stored in the network's order"),
    "threads": Supported(
        "given",
        "the worker's environment; by default frameworks use every core, but Ray assigns cores to each task",
        variables={"machine": {"ROSETTA_THREADS": "machine"}},
    ),
    "shuffle": Supported("observations", "adapters/common/batches.py: the indices of a batch's examples in two epochs"),
    "sync": Supported("every_ten", "adapters/loop.py: the step of the training loop"),
}

NO_TRANSPOSITION = Conflict(
    {"loader": "framework", "data_layout": "transposed"},
    "the framework's loader yields the images as they are stored",
)
NO_TF32 = Conflict({"precision": "tf32"}, "TensorFloat-32 is a format of CUDA devices", ("cpu",))
NO_CUDNN = {"cpu": "cuDNN runs on CUDA devices only"}
NO_CPU = {"cuda": "a CUDA device has its own kernels"}
