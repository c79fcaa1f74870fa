"""Setting, and the settings that several networks may share.

A setting is a choice that frameworks make differently by default. Its meaning is the same in every framework; an
adapter's declaration says which choices the framework supports and which one is its default.

Read by Python 3.6 to 3.13: standard library only.
"""

from collections import OrderedDict
from typing import Dict, Iterable, NamedTuple  # noqa: F401  in type comments

# What a setting may change: the function that is trained (and so the accuracy), the time, or both.
FUNCTION = "function"
TIME = "time"
BOTH = "function and time"

# The moment at which a setting acts, each with one place in an adapter.
BEFORE_START = "before start"  # environment variables, in the declaration
BEFORE_BUILD = "before build"  # global flags of the framework
AT_BUILD = "at build"  # arguments of layers, losses and optimizers


class Setting(NamedTuple):
    """A named choice. `choices` maps each choice to one sentence that says what it means.

    matched: the choice with which all frameworks train the same function; "" where no choice changes the function.
    required: the choice that is part of the network's definition, in every framework: in force unless a sweep names
        another; "" where the network leaves it to the framework.
    """

    meaning: str
    changes: str
    choices: Dict[str, str]
    matched: str = ""
    required: str = ""


def in_order(names, own):
    # type: (Iterable[str], Dict[str, Setting]) -> Dict[str, Setting]
    """A network's settings in this order: its own entries, and shared ones by name."""
    return OrderedDict((name, own[name] if name in own else SHARED[name]) for name in names)


SHARED = {
    "layout": Setting(
        "Order of the axes of a batch of images, in memory and in the convolutions.",
        TIME,
        {"nchw": "Channels before height and width.", "nhwc": "Channels last."},
    ),
    "data_layout": Setting(
        "Order of the axes of the images as they are stored, relative to the network's own.",
        TIME,
        {
            "same": "The network's order.",
            "transposed": "The other order: every batch is transposed before each step.",
        },
    ),
    "autotune": Setting(
        "Whether cuDNN times its convolution algorithms on the first batch and keeps the fastest.",
        TIME,
        {"off": "Use the algorithm that a heuristic selects.", "on": "Time the candidates first."},
    ),
    "winograd": Setting(
        "Whether cuDNN's non-fused Winograd algorithm is a candidate for convolutions.",
        TIME,
        {"off": "It is excluded.", "on": "It is a candidate."},
    ),
    "cpu_kernels": Setting(
        "Which kernels are used on a CPU.",
        TIME,
        {"onednn": "oneDNN's (formerly MKL-DNN), where it has them.", "own": "The framework's own."},
    ),
    "threads": Setting(
        "Number of CPU threads that the framework may use.",
        TIME,
        {
            "given": "The threads assigned to the trial.",
            "machine": "One for each core of the machine, whatever else runs on it.",
        },
    ),
    "compile": Setting(
        "Whether a training step runs operation by operation or as one compiled graph.",
        TIME,
        {"eager": "Each operation runs when Python reaches it.", "graph": "The step is traced once, then run."},
    ),
    "precision": Setting(
        "Floating-point format of weights, activations and gradients.",
        BOTH,
        {
            "float32": "IEEE single precision.",
            "float64": "IEEE double precision.",
            "tf32": "Single precision, but a CUDA device's tensor cores round the operands of products to 10 bits.",
            "bfloat16": "Convolutions and dense layers compute in bfloat16; weights, their updates and the loss in "
            "single precision.",
        },
        matched="float32",
    ),
    "init": Setting(
        "Distribution from which the kernels of convolutions and dense layers are drawn.",
        FUNCTION,
        {
            "glorot_uniform": "U(-a, a), a = sqrt(6 / (fan_in + fan_out)); also called Xavier.",
            "xavier_224": "U(-a, a), a = sqrt(4.48 / (fan_in + fan_out)): Xavier with MXNet's magnitude 2.24.",
            "fan_in_uniform": "U(-a, a), a = 1 / sqrt(fan_in).",
            "lecun_uniform": "U(-a, a), a = sqrt(3 / fan_in).",
            "lecun_normal": "N(0, 1 / fan_in), not truncated.",
            "lecun_truncated": "Normal, truncated at two standard deviations, then scaled to variance 1 / fan_in.",
            "uniform_007": "U(-0.07, 0.07), whatever the layer's size.",
            "uniform_001": "U(-0.01, 0.01), whatever the layer's size.",
        },
        matched="glorot_uniform",
    ),
    "bias_init": Setting(
        "Distribution from which the biases are drawn.",
        FUNCTION,
        {"zeros": "All zero.", "fan_in_uniform": "U(-a, a), a = 1 / sqrt(fan_in of the layer's kernel)."},
        matched="zeros",
    ),
    "momentum": Setting(
        "Factor applied to the new gradient in stochastic gradient descent with momentum.",
        FUNCTION,
        {
            "classical": "v = m v + g, w = w - lr v.",
            "unit_gain": "v = m v + (1 - m) g, w = w - lr v: the step is (1 - m) times as long.",
        },
        matched="classical",
    ),
    "nesterov": Setting(
        "Whether momentum is Nesterov's.",
        FUNCTION,
        {
            "off": "The step is the velocity.",
            "on": "The step is the velocity that the next step would start from.",
        },
        matched="off",
    ),
    "clip": Setting(
        "Whether gradients are clipped before the optimizer receives them.",
        FUNCTION,
        {
            "none": "Not clipped.",
            "value_0.01": "Each element of the mean gradient is clipped to [-0.01, 0.01].",
        },
        matched="none",
    ),
    "input_gradient": Setting(
        "Whether the gradient with respect to the images, which nothing uses, is computed.",
        TIME,
        {"skipped": "It is not computed.", "computed": "It is computed at every step."},
    ),
    "dropout_at_test": Setting(
        "Whether dropout is active while predicting, as when the train/test flag is forgotten.",
        FUNCTION,
        {"off": "Dropout in training only.", "on": "Dropout in training and prediction."},
        matched="off",
    ),
    "loss": Setting(
        "Input of the cross-entropy: whether softmax is applied before it, in it, or twice.",
        BOTH,
        {
            "logits": "The network's raw scores; the loss applies softmax.",
            "probabilities": "Scores after softmax, and a loss that takes their logarithm: the same function, less "
            "accurate numerically.",
            "softmax_twice": "Scores after softmax, and a loss that applies softmax again.",
        },
        matched="logits",
    ),
    "labels": Setting(
        "Form of the labels that the loss receives.",
        TIME,
        {"sparse": "One class index per example.", "one_hot": "One row of 0s and a 1 per example."},
    ),
    "loader": Setting(
        "Which data loader assembles the batches; their order is fixed by the worker.",
        TIME,
        {
            "generator": "A Python generator, which indexes the arrays.",
            "framework": "The framework's own loader.",
        },
    ),
    "shuffle": Setting(
        "What is shuffled from one epoch to the next.",
        FUNCTION,
        {"observations": "Every example.", "batches": "Whole batches: the same examples stay together."},
        matched="observations",
    ),
    "sync": Setting(
        "How often the training loop waits for the device.",
        TIME,
        {
            "every_ten": "After ten steps, where the clock is read.",
            "each_step": "After each step, to fetch its loss as a number.",
        },
    ),
    "adam_epsilon": Setting(
        "Where Adam adds epsilon, and its value.",
        FUNCTION,
        {
            "hat_1e-8": "To the square root of the bias-corrected second moment: m^ / (sqrt(v^) + 1e-8).",
            "hat_1e-7": "The same with 1e-7.",
            "plain_1e-8": "To the square root of the uncorrected second moment: "
            "sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + 1e-8).",
            "plain_1e-7": "The same with 1e-7.",
        },
        matched="plain_1e-8",
    ),
    "adam_count": Setting(
        "Step number that Adam's bias correction uses at the first step.",
        FUNCTION,
        {
            "one": "1.",
            "two": "2.",
            "unordered": "1 or 2: the counter is read while another operation increments it.",
        },
        matched="one",
    ),
}  # type: Dict[str, Setting]
