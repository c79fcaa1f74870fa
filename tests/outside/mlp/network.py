"""The MLP: two dense layers; stochastic gradient descent.

Canonical weights: hidden.weight (flat size, hidden), hidden.bias, output.weight (hidden, classes), output.bias.
A batch is (batch, flat size), the images flattened channels first.
"""

from typing import NamedTuple, Tuple

import numpy as np

from adapters.common import model
from adapters.common.batches import DTYPES
from adapters.common.initializers import BIAS_INITIALIZERS, KERNEL_INITIALIZERS, biases, kernels
from adapters.contract.network import Drawn, Implementation, Network, Task, Verification
from adapters.contract.settings import FUNCTION, Setting, in_order
from adapters.contract.spec import Supported


class Fields(NamedTuple):
    """Hyperparameters; input_shape is (channels, height, width)."""

    input_shape: Tuple[int, int, int]
    classes: int
    hidden: int
    batch_size: int
    learning_rate: float
    threads: int
    device: str


OWN = {
    "activation": Setting(
        "Activation function of the hidden layer.",
        FUNCTION,
        {"relu": "max(x, 0).", "tanh": "tanh(x)."},
        matched="relu",
        required="relu",
    )
}
DRAWN = {"init": Drawn(KERNEL_INITIALIZERS, kernels), "bias_init": Drawn(BIAS_INITIALIZERS, biases)}


class Rows(object):
    """Images as rows of numbers."""

    def __init__(self, settings):
        self.dtype = DTYPES[settings["precision"]]

    def convert(self, x):
        return np.ascontiguousarray(x.reshape(len(x), -1), dtype=self.dtype)

    def arrange(self, batch):
        return batch

    def report(self, x):
        return {}


class Model(model.Model):
    """What the implementations share."""

    drawn = DRAWN

    @property
    def flat_size(self):
        return int(np.prod(self.network.input_shape))


def images(random, fields, examples):
    """Random images, float32 (examples, channels, height, width)."""
    return random.rand(examples, *fields["input_shape"]).astype(np.float32)


NETWORK = Network(
    name="mlp",
    title="The MLP",
    fields=Fields,
    adjustable={"hidden": "Units of the hidden layer."},
    published={"input_shape": (1, 8, 8), "classes": 10, "hidden": 64, "batch_size": 32, "learning_rate": 0.1},
    settings=in_order(
        ("threads", "precision", "init", "bias_init", "loss", "labels", "shuffle", "sync", "activation"), OWN
    ),
    batch=Rows,
    drawn=DRAWN,
    workloads={"digits_mlp": Task("digits", 3, {})},
    verification=Verification(
        workload="digits_mlp",
        sample=images,
        sizes={"full": {}, "narrow": {"hidden": 8}, "tiny": {"hidden": 8}},
        followed=("loss", "activation"),
        scored=("precision", "activation"),
    ),
    implementations={
        "reference": Implementation("mlp.reference:Model", {"activation": Supported("relu", "the function in use")}),
        "pytorch": Implementation("mlp.pytorch:Model", {"activation": Supported("relu", "type of the module")}),
    },
)
