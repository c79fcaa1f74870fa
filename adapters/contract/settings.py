"""SETTINGS: what every setting and each of its choices means, said once.

A setting is a knob that frameworks turn differently when nobody asks. Its meaning is the same in every
framework; an adapter's declaration says which choices the framework can do and which one is native.

Read by Python 3.6 to 3.13: standard library only.
"""

from collections import OrderedDict
from typing import Dict, NamedTuple, Tuple

# What a setting may change: the function that is trained (and so the accuracy), the time, or both.
FUNCTION = "function"
TIME = "time"
BOTH = "function and time"

# The moment at which a setting acts, each with one home in an adapter.
BEFORE_START = "before start"  # environment variables, in the declaration
BEFORE_BUILD = "before build"  # global flags of the framework
AT_BUILD = "at build"  # arguments of layers, losses and optimisers


class Setting(NamedTuple):
    """A knob. `choices` maps each choice to one sentence that says what it means.

    models: the networks that have it.
    matched: the choice with which all frameworks train the same function; "" where no choice changes the function.
    asked: the choice that the network itself asks for, in every framework: in force unless a sweep names another; "" where the
        network leaves it to the framework.
    """

    meaning: str
    changes: str
    choices: Dict[str, str]
    models: Tuple[str, ...] = ("cnn", "gru")
    matched: str = ""
    asked: str = ""


SETTINGS = OrderedDict(
    [
        (
            "layout",
            Setting(
                "Order of the axes of a batch of pictures, in memory and in the convolutions.",
                TIME,
                {"nchw": "Channels before height and width.", "nhwc": "Channels last."},
                models=("cnn",),
            ),
        ),
        (
            "data_layout",
            Setting(
                "Order of the axes of the pictures as they are stored, against the one that the network runs in.",
                TIME,
                {
                    "same": "As the network takes them.",
                    "transposed": "The other one: every batch is transposed on its way.",
                },
                models=("cnn",),
            ),
        ),
        (
            "autotune",
            Setting(
                "Whether cuDNN times its convolution algorithms on the first batch and keeps the fastest.",
                TIME,
                {"off": "Take the algorithm a heuristic names.", "on": "Time the candidates first."},
                models=("cnn",),
            ),
        ),
        (
            "winograd",
            Setting(
                "Whether cuDNN's non-fused Winograd algorithm is among the candidates for a convolution.",
                TIME,
                {"off": "It is left out.", "on": "It is among them."},
                models=("cnn",),
            ),
        ),
        (
            "cpu_kernels",
            Setting(
                "Whose kernels compute on a CPU.",
                TIME,
                {"onednn": "oneDNN's (once called MKL-DNN), where it has them.", "own": "The framework's own."},
            ),
        ),
        (
            "threads",
            Setting(
                "How many CPU threads the framework may use.",
                TIME,
                {
                    "given": "As many as the trial holds.",
                    "machine": "One for each core of the machine, whatever else runs on it.",
                },
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
                {
                    "float32": "IEEE single precision.",
                    "float64": "IEEE double precision.",
                    "tf32": "Single precision, but a CUDA device's tensor cores round what they multiply to 10 bits.",
                    "bfloat16": "Convolutions and dense layers compute in bfloat16; weights, their updates and the loss in single precision.",
                },
                matched="float32",
            ),
        ),
        (
            "conv_bias",
            Setting(
                "Whether a convolution adds a bias.",
                FUNCTION,
                {"on": "One number for each of its outputs.", "off": "None."},
                models=("cnn",),
                matched="on",
                asked="on",
            ),
        ),
        (
            "conv_padding",
            Setting(
                "What a 3x3 convolution does at the border of a picture.",
                FUNCTION,
                {
                    "same": "A border of zeros, one wide: the size stays.",
                    "valid": "No border: two rows and two columns are lost.",
                },
                models=("cnn",),
                matched="same",
                asked="same",
            ),
        ),
        (
            "pool_stride",
            Setting(
                "How far a 2x2 pooling moves on.",
                FUNCTION,
                {
                    "two": "By its own size: the picture is halved.",
                    "one": "By one pixel: the picture loses a row and a column.",
                },
                models=("cnn",),
                matched="two",
                asked="two",
            ),
        ),
        (
            "init",
            Setting(
                "Distribution from which the kernels of convolutions and dense layers are drawn.",
                FUNCTION,
                {
                    "glorot_uniform": "U(-a, a), a = sqrt(6 / (fan_in + fan_out)); also called Xavier.",
                    "xavier_224": "U(-a, a), a = sqrt(4.48 / (fan_in + fan_out)): Xavier with MXNet's magnitude 2.24.",
                    "fan_in_uniform": "U(-a, a), a = 1 / sqrt(fan_in).",
                    "lecun_uniform": "U(-a, a), a = sqrt(3 / fan_in).",
                    "lecun_normal": "N(0, 1 / fan_in), not truncated.",
                    "lecun_truncated": "Normal, cut off at two deviations, then of variance 1 / fan_in.",
                    "uniform_007": "U(-0.07, 0.07), whatever the layer's size.",
                    "uniform_001": "U(-0.01, 0.01), whatever the layer's size.",
                },
                matched="glorot_uniform",
            ),
        ),
        (
            "bias_init",
            Setting(
                "Distribution from which the biases are drawn.",
                FUNCTION,
                {"zeros": "All zero.", "fan_in_uniform": "U(-a, a), a = 1 / sqrt(fan_in of the layer's kernel)."},
                matched="zeros",
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
                models=("cnn",),
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
                models=("cnn",),
                matched="classical",
            ),
        ),
        (
            "nesterov",
            Setting(
                "Whether a momentum step looks ahead, as Nesterov's does.",
                FUNCTION,
                {
                    "off": "The step is the velocity.",
                    "on": "The step is the velocity that the next step would start from.",
                },
                models=("cnn",),
                matched="off",
            ),
        ),
        (
            "clip",
            Setting(
                "Whether gradients are clipped before the optimiser gets them.",
                FUNCTION,
                {
                    "none": "As they are.",
                    "value_0.01": "Each number of the mean gradient to the range from -0.01 to 0.01.",
                },
                models=("cnn",),
                matched="none",
            ),
        ),
        (
            "input_gradient",
            Setting(
                "Whether the gradient with respect to the pictures is computed, which nothing uses.",
                TIME,
                {"skipped": "It is left out.", "computed": "It is computed in every step."},
                models=("cnn",),
            ),
        ),
        (
            "dropout_at_test",
            Setting(
                "Whether dropout stays active while predicting, as when the train/test flag is forgotten.",
                FUNCTION,
                {"off": "Dropout only while training.", "on": "Dropout while predicting too."},
                models=("cnn",),
                matched="off",
            ),
        ),
        (
            "loss",
            Setting(
                "What the cross-entropy receives, and whether softmax is applied before it, in it, or twice.",
                BOTH,
                {
                    "logits": "The network's raw scores; the loss applies softmax.",
                    "probabilities": "Scores that went through softmax, and a loss that takes the logarithm: the same function, less exact.",
                    "softmax_twice": "Scores that went through softmax already, and a loss that applies it again.",
                },
                matched="logits",
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
        (
            "loader",
            Setting(
                "Who takes the examples of a batch together, in the order that the worker gives.",
                TIME,
                {
                    "generator": "A Python generator, which indexes the arrays.",
                    "framework": "The framework's own loader.",
                },
                models=("cnn",),
            ),
        ),
        (
            "shuffle",
            Setting(
                "What changes places from one epoch to the next.",
                FUNCTION,
                {"observations": "Every example.", "batches": "Batches as wholes: the same examples stay together."},
                matched="observations",
            ),
        ),
        (
            "sync",
            Setting(
                "How often the training loop waits for the device.",
                TIME,
                {
                    "every_ten": "After ten steps, where the clock is read.",
                    "each_step": "After each step, to fetch its loss as a number.",
                },
            ),
        ),
        (
            "sequence_layout",
            Setting(
                "Order of the axes of a batch of sequences.",
                TIME,
                {"ntc": "Examples before time steps.", "tnc": "Time steps first."},
                models=("gru",),
            ),
        ),
        (
            "padding",
            Setting(
                "Where a sequence that is too short gets its zeros.",
                FUNCTION,
                {"post": "After its last word.", "pre": "Before its first word."},
                models=("gru",),
                matched="post",
            ),
        ),
        (
            "embedding_init",
            Setting(
                "Distribution from which the word vectors are drawn.",
                FUNCTION,
                {
                    "uniform_005": "U(-0.05, 0.05).",
                    "uniform_007": "U(-0.07, 0.07).",
                    "uniform_001": "U(-0.01, 0.01).",
                    "normal_1": "N(0, 1).",
                    "normal_001": "N(0, 0.0001): deviation 0.01.",
                    "normal_features": "N(0, 1 / length of a word vector).",
                    "glorot_uniform": "U(-a, a), a = sqrt(6 / (words + length of a word vector)).",
                    "lecun_uniform": "U(-a, a), a = sqrt(3 / length of a word vector).",
                },
                models=("gru",),
                matched="uniform_005",
            ),
        ),
        (
            "embedding_gradient",
            Setting(
                "What the optimiser receives for the word vectors.",
                FUNCTION,
                {
                    "dense": "One row per word, the occurrences summed; every row is updated at each step.",
                    "sparse": "The rows of the batch's words alone, as the framework hands them over.",
                },
                models=("gru",),
                matched="dense",
            ),
        ),
        (
            "rnn_kernel",
            Setting(
                "Whether one kernel runs a whole sequence, or each time step runs operation by operation.",
                TIME,
                {"fused": "One kernel for the sequence.", "cell": "The cell's operations, step after step."},
                models=("gru",),
            ),
        ),
        (
            "rnn_init",
            Setting(
                "Distribution from which the recurrent layer's kernels are drawn: E inputs, H units, three gates stacked.",
                FUNCTION,
                {
                    "glorot_uniform": "U(-a, a), a = sqrt(6 / (E + 3 H)) for the inputs, sqrt(6 / (H + 3 H)) for the state.",
                    "glorot_split": "U(-a, a) by matrix: sqrt(6 / (E + 3 H)), state to gates sqrt(6 / (3 H)), to candidate sqrt(6 / (2 H)).",
                    "glorot_gates": "U(-a, a) gate by gate: sqrt(6 / (E + H)) for the inputs, sqrt(6 / 2 H) for the state.",
                    "glorot_orthogonal": "Inputs as in glorot_uniform; orthogonal for the state.",
                    "lecun_orthogonal": "Inputs normal of variance 1 / E, cut off at two deviations; orthogonal for the state.",
                    "lecun_normal": "N(0, 1 / fan_in).",
                    "lecun_uniform": "U(-a, a), a = sqrt(3 / fan_in).",
                    "hidden_uniform": "U(-a, a), a = 1 / sqrt(H): 0.1 in the published network.",
                    "uniform_007": "U(-0.07, 0.07).",
                    "uniform_001": "U(-0.01, 0.01).",
                    "normal_01": "N(0, 0.01): deviation 0.1.",
                },
                models=("gru",),
                matched="glorot_uniform",
            ),
        ),
        (
            "reset",
            Setting(
                "Whether the reset gate acts after or before the state is multiplied by its kernel.",
                FUNCTION,
                {
                    "after": "n = tanh(W x + b + r (U h + c)), with a bias of its own for the state.",
                    "before": "n = tanh(W x + b + U (r h)), with one bias per gate.",
                },
                models=("gru",),
                matched="after",
            ),
        ),
        (
            "gates",
            Setting(
                "Function that makes a gate of its sum.",
                FUNCTION,
                {"sigmoid": "1 / (1 + exp(-x)).", "hard_sigmoid": "0.2 x + 0.5, cut off at 0 and 1."},
                models=("gru",),
                matched="sigmoid",
            ),
        ),
        (
            "adam_epsilon",
            Setting(
                "Where Adam adds its epsilon, and which.",
                FUNCTION,
                {
                    "hat_1e-8": "To the root of the corrected square: m^ / (sqrt(v^) + 1e-8).",
                    "hat_1e-7": "The same with 1e-7.",
                    "plain_1e-8": "To the root of the square as it is: sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + 1e-8).",
                    "plain_1e-7": "The same with 1e-7.",
                },
                models=("gru",),
                matched="plain_1e-8",
            ),
        ),
        (
            "adam_count",
            Setting(
                "Which step Adam's bias correction takes the first step for.",
                FUNCTION,
                {
                    "one": "The first.",
                    "two": "The second.",
                    "unordered": "Whichever the counter shows while another operation raises it.",
                },
                models=("gru",),
                matched="one",
            ),
        ),
    ]
)  # type: Dict[str, Setting]
