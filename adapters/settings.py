"""SETTINGS: what every setting and each of its choices means, said once.

A setting is a knob that frameworks turn differently when nobody asks. Its meaning is the same in every
framework; an adapter's declaration says which choices the framework can do and which one is native.

Read by Python 3.6 to 3.13: standard library only.
"""
from collections import OrderedDict
from typing import Dict, NamedTuple

# What a setting may change: the function that is trained (and so the accuracy), the time, or both.
FUNCTION = "function"
TIME = "time"
BOTH = "function and time"

# The moment at which a setting acts, each with one home in an adapter.
BEFORE_START = "before start"  # environment variables, in the declaration
BEFORE_BUILD = "before build"  # global flags of the framework
AT_BUILD = "at build"  # arguments of layers, losses and optimisers


class Setting(NamedTuple):
    """A knob. `choices` maps each choice to one sentence that says what it means."""

    meaning: str
    changes: str
    choices: Dict[str, str]


SETTINGS = OrderedDict(
    [
        (
            "layout",
            Setting(
                "Order of the axes of a batch of pictures, in memory and in the convolutions.",
                TIME,
                {"nchw": "Channels before height and width.", "nhwc": "Channels last."},
            ),
        ),
        (
            "autotune",
            Setting(
                "Whether cuDNN times its convolution algorithms on the first batch and keeps the fastest.",
                TIME,
                {"off": "Take the algorithm a heuristic names.", "on": "Time the candidates first."},
            ),
        ),
        (
            "compile",
            Setting(
                "Whether a training step runs operation by operation or as one prepared graph.",
                TIME,
                {"eager": "Each operation runs when Python reaches it.", "graph": "The step is traced once, then run."},
            ),
        ),
        (
            "precision",
            Setting(
                "Floating-point format of weights, activations and gradients.",
                BOTH,
                {"float32": "IEEE single precision.", "float64": "IEEE double precision."},
            ),
        ),
        (
            "init",
            Setting(
                "Distribution from which the kernels of convolutions and dense layers are drawn.",
                FUNCTION,
                {
                    "glorot_uniform": "U(-a, a), a = sqrt(6 / (fan_in + fan_out)); also called Xavier.",
                    "fan_in_uniform": "U(-a, a), a = 1 / sqrt(fan_in).",
                    "lecun_uniform": "U(-a, a), a = sqrt(3 / fan_in).",
                    "lecun_normal": "N(0, 1 / fan_in), not truncated.",
                    "uniform_007": "U(-0.07, 0.07), whatever the layer's size.",
                },
            ),
        ),
        (
            "bias_init",
            Setting(
                "Distribution from which the biases are drawn.",
                FUNCTION,
                {"zeros": "All zero.", "fan_in_uniform": "U(-a, a), a = 1 / sqrt(fan_in of the layer's kernel)."},
            ),
        ),
        (
            "relu",
            Setting(
                "Whether ReLU comes before or after the max-pooling that follows a pair of convolutions.",
                TIME,
                {
                    "before_pool": "ReLU on every activation, then the maximum.",
                    "after_pool": "The maximum, then ReLU on a quarter of the elements; the same function.",
                },
            ),
        ),
        (
            "momentum",
            Setting(
                "What the momentum of stochastic gradient descent multiplies the new gradient by.",
                FUNCTION,
                {
                    "classical": "v = m v + g, w = w - lr v.",
                    "unit_gain": "v = m v + (1 - m) g, w = w - lr v: the step is (1 - m) times as long.",
                },
            ),
        ),
        (
            "dropout_at_test",
            Setting(
                "Whether dropout stays active while predicting, as when the train/test flag is forgotten.",
                FUNCTION,
                {"off": "Dropout only while training.", "on": "Dropout while predicting too."},
            ),
        ),
        (
            "loss",
            Setting(
                "What the cross-entropy, which applies softmax itself, receives.",
                BOTH,
                {
                    "logits": "The network's raw scores.",
                    "softmax_twice": "Scores that went through a softmax already, so it is applied twice.",
                },
            ),
        ),
        (
            "labels",
            Setting(
                "Form of the labels that the loss receives.",
                TIME,
                {"sparse": "One class index per example.", "one_hot": "One row of 0s and a 1 per example."},
            ),
        ),
    ]
)  # type: Dict[str, Setting]
