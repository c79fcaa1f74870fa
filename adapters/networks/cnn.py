"""The CNN: two pairs of 3x3 convolutions, each with a 2x2 max-pooling, then two dense layers; momentum SGD.

Canonical weights, with (out, in, height, width) for convolutions and (in, out) for dense layers:

    conv1.weight    (filters[0], input_shape[0], 3, 3)
    conv2.weight    (filters[0], filters[0], 3, 3)
    conv3.weight    (filters[1], filters[0], 3, 3)
    conv4.weight    (filters[1], filters[1], 3, 3)
    dense1.weight   (flat size, hidden), its inputs flattened channels first
    dense2.weight   (hidden, classes)
    NAME.bias       (out,) for each of these; none for a convolution where conv_bias is off

A batch is (batch, channels, height, width) or (batch, height, width, channels) as `layout` says. Python 3.6 to 3.13.
"""

import itertools
from typing import Any, Dict, NamedTuple, Optional, Tuple  # noqa: F401  in type comments

import numpy as np

from adapters.common import model
from adapters.common.batches import Images
from adapters.common.initializers import BIAS_INITIALIZERS, KERNEL_INITIALIZERS, biases, kernels
from adapters.contract.network import Drawn, Network, Task, Verification
from adapters.contract.settings import FUNCTION, TIME, Setting, in_order
from adapters.contract.spec import Conflict


class Fields(NamedTuple):
    """Hyperparameters.

    input_shape: (channels, height, width) of one image.
    filters: outputs of the first and of the second pair of convolutions.
    hidden: outputs of the first dense layer.
    dropout: rates after the first pooling, after the second one, and after the first dense layer.
    threads: CPU threads that the framework may use.
    device: "cpu" or "cuda".
    """

    input_shape: Tuple[int, int, int]
    classes: int
    filters: Tuple[int, int]
    hidden: int
    dropout: Tuple[float, float, float]
    batch_size: int
    learning_rate: float
    momentum: float
    threads: int
    device: str

    def rate(self, momentum):
        """The learning rate with which classical momentum takes the steps of a choice of the setting momentum.

        v = m v + (1 - m) g and w -= lr v is the same update as v = m v + g and w -= (1 - m) lr v.
        """
        return self.learning_rate * {"classical": 1.0, "unit_gain": 1.0 - self.momentum}[momentum]


PUBLISHED = {
    "input_shape": (3, 32, 32),
    "classes": 10,
    "filters": (50, 100),
    "hidden": 512,
    "dropout": (0.25, 0.25, 0.5),
    "batch_size": 64,
    "learning_rate": 0.01,
    "momentum": 0.9,
}
# The parametric layers, in order.
LAYERS = ("conv1", "conv2", "conv3", "conv4", "dense1", "dense2")
# Limit of each element of the gradient.
CLIPS = {"none": None, "value_0.01": 0.01}
# Pixels that a pair of convolutions removes from a side; pixels between two poolings.
MARGINS = {"same": 0, "valid": 4}
STRIDES = {"two": 2, "one": 1}

OWN = {
    "conv_bias": Setting(
        "Whether convolutions have a bias.",
        FUNCTION,
        {"on": "One number for each output.", "off": "None."},
        matched="on",
        required="on",
    ),
    "conv_padding": Setting(
        "Padding of the 3x3 convolutions.",
        FUNCTION,
        {
            "same": "One pixel of zeros on each side: the size is kept.",
            "valid": "None: height and width lose two pixels.",
        },
        matched="same",
        required="same",
    ),
    "pool_stride": Setting(
        "Stride of the 2x2 max-poolings.",
        FUNCTION,
        {"two": "2: height and width are halved.", "one": "1: height and width lose one pixel."},
        matched="two",
        required="two",
    ),
    "relu": Setting(
        "Whether ReLU comes before or after the max-pooling that follows a pair of convolutions.",
        TIME,
        {
            "before_pool": "ReLU on every activation, then the maximum.",
            "after_pool": "The maximum, then ReLU on a quarter of the elements; the same function.",
        },
    ),
}
SETTINGS = in_order(
    ("layout", "data_layout", "autotune", "winograd", "cpu_kernels", "threads", "compile", "precision", "conv_bias")
    + ("conv_padding", "pool_stride", "init", "bias_init", "relu", "momentum", "nesterov", "clip", "input_gradient")
    + ("dropout_at_test", "loss", "labels", "loader", "shuffle", "sync"),
    OWN,
)
DRAWN = {"init": Drawn(KERNEL_INITIALIZERS, kernels), "bias_init": Drawn(BIAS_INITIALIZERS, biases)}


def flat_sides(input_shape, settings):
    # type: (Tuple[int, int, int], Dict[str, str]) -> Tuple[int, ...]
    """(height, width) of an image of (channels, height, width) where the first dense layer receives it.

    Raises ValueError where the convolutions leave nothing to pool.
    """
    return tuple(_pooled(_pooled(size, settings), settings) for size in input_shape[1:])


def _pooled(size, settings):
    # type: (int, Dict[str, str]) -> int
    convolved = size - MARGINS[settings["conv_padding"]]
    if convolved < 2:
        raise ValueError(
            "without padding two convolutions leave nothing to pool of {} pixels; take larger images".format(size)
        )
    return (convolved - 2) // STRIDES[settings["pool_stride"]] + 1


def conflict(fields, configuration):
    # type: (Dict[str, Any], Dict[str, str]) -> Optional[Conflict]
    """Convolutions without padding need images of some size."""
    try:
        flat_sides(fields["input_shape"], configuration)
    except ValueError as error:
        return Conflict({"conv_padding": configuration["conv_padding"]}, str(error))
    return None


class Model(model.Model):
    """What the adapters of this network share; they set `network` (Fields) and `settings`."""

    drawn = DRAWN

    @property
    def flat_shape(self):
        """(channels, height, width) where the first dense layer receives them."""
        return (self.network.filters[1],) + flat_sides(self.network.input_shape, self.settings)

    @property
    def flat_size(self):
        """Inputs of the first dense layer."""
        return int(np.prod(self.flat_shape))

    def channels_first(self, kernel):
        """The first dense layer's kernel, (flat size, hidden), from channels last to channels first."""
        channels, height, width = self.flat_shape
        return kernel.reshape(height, width, channels, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)

    def channels_last(self, kernel):
        """The inverse of channels_first."""
        channels, height, width = self.flat_shape
        return kernel.reshape(channels, height, width, -1).transpose(1, 2, 0, 3).reshape(kernel.shape)

    def identify_update(self, moved):
        """{"momentum", "nesterov", "clip": choice}, from how far a first step moves a weight on a gradient of 1."""
        network = self.network
        ahead = {"off": 1.0, "on": 1.0 + network.momentum}
        for momentum, nesterov, clip in itertools.product(("classical", "unit_gain"), ahead, CLIPS):
            gradient = 1.0 if CLIPS[clip] is None else CLIPS[clip]
            expected = network.rate(momentum) * ahead[nesterov] * gradient
            if np.isclose(moved, expected, rtol=1e-4, atol=0.0):  # float32 rounds
                return {"momentum": momentum, "nesterov": nesterov, "clip": clip}
        return dict.fromkeys(("momentum", "nesterov", "clip"), "unidentified")


def images(random, fields, examples):
    """Random images, float32 (examples, channels, height, width)."""
    return random.rand(examples, *fields["input_shape"]).astype(np.float32)


UNDROPPED = {"dropout": (0.0, 0.0, 0.0)}
NARROW = dict(UNDROPPED, filters=(8, 16), hidden=32)
VERIFICATION = Verification(
    workload="cifar10_cnn",
    sample=images,
    # With seed 4 no activation of the tiny network comes within 1e-7 of a kink of ReLU or pooling, where float32 could
    # take another branch than the reference.
    sizes={
        "full": UNDROPPED,
        "narrow": dict(NARROW, batch_size=16, input_shape=(3, 20, 20)),
        "tiny": dict(NARROW, batch_size=4, input_shape=(3, 16, 16)),
    },
    seeds={"tiny": 4},
    followed=("conv_bias", "conv_padding", "pool_stride", "momentum", "nesterov", "clip", "loss"),
    kernels=("layout", "cpu_kernels"),
    unreadable=("dropout_at_test",),
    scored=("precision",),
)
NETWORK = Network(
    name="cnn",
    title="The CNN",
    fields=Fields,
    published=PUBLISHED,
    settings=SETTINGS,
    batch=Images,
    drawn=DRAWN,
    workloads={
        "digits_cnn": Task("digits", 10, {"input_shape": (1, 8, 8)}),
        "fashion_cnn": Task("fashion-mnist", 10, {}),
        "cifar10_cnn": Task("cifar10", 10, {}),
    },
    verification=VERIFICATION,
    adjustable={
        "filters": "Output channels of the first and of the second pair of convolutions.",
        "hidden": "Units of the first dense layer.",
        "batch_size": "Examples per training step.",
    },
    conflict=conflict,
)
