"""The GRU: word vectors, one GRU, and a dense layer on its last output; Adam.

Canonical weights; the gates are stacked in the order reset, update, candidate, and the new state is (1 - z) n + z h:

    embedding.weight    (vocabulary, embedding)
    gru.input_weight    (3 hidden, embedding)
    gru.hidden_weight   (3 hidden, hidden)
    gru.input_bias      (3 hidden,)
    gru.hidden_bias     (3 hidden,) where reset is "after"; none otherwise
    dense.weight        (hidden, classes)
    dense.bias          (classes,)

A batch is int32 word indices, (batch, tokens) or (tokens, batch) as `sequence_layout` says. Python 3.6 to 3.13.
"""

from typing import NamedTuple

import numpy as np

from adapters.common import model
from adapters.common.batches import Sequences
from adapters.common.initializers import (
    BIAS_INITIALIZERS,
    EMBEDDING_INITIALIZERS,
    KERNEL_INITIALIZERS,
    ORTHOGONAL,
    UNIFORM,
    biases,
    kernels,
)
from adapters.contract.network import Drawn, Network, Task, Verification
from adapters.contract.settings import FUNCTION, TIME, Setting, in_order


class Fields(NamedTuple):
    """Hyperparameters.

    tokens: length of a sequence.
    vocabulary: number of words, padding (0) among them.
    embedding: length of a word vector.
    hidden: units of the GRU.
    beta1, beta2: decay rates of Adam's moments.
    threads: CPU threads that the framework may use.
    device: "cpu" or "cuda".
    """

    tokens: int
    vocabulary: int
    embedding: int
    hidden: int
    classes: int
    batch_size: int
    learning_rate: float
    beta1: float
    beta2: float
    threads: int
    device: str


PUBLISHED = {
    "tokens": 150,
    "vocabulary": 30000,
    "embedding": 125,
    "hidden": 100,
    "classes": 2,
    "batch_size": 64,
    "learning_rate": 0.001,
    "beta1": 0.9,
    "beta2": 0.999,
}

OWN = {
    "sequence_layout": Setting(
        "Order of the axes of a batch of sequences.",
        TIME,
        {"ntc": "Examples before time steps.", "tnc": "Time steps first."},
    ),
    "padding": Setting(
        "Where short sequences are padded with zeros.",
        FUNCTION,
        {"post": "After the last word.", "pre": "Before the first word."},
        matched="post",
    ),
    "embedding_init": Setting(
        "Distribution from which the word vectors are drawn.",
        FUNCTION,
        {
            "uniform_005": "U(-0.05, 0.05).",
            "uniform_007": "U(-0.07, 0.07).",
            "uniform_001": "U(-0.01, 0.01).",
            "normal_1": "N(0, 1).",
            "normal_001": "N(0, 0.0001): standard deviation 0.01.",
            "normal_features": "N(0, 1 / length of a word vector).",
            "glorot_uniform": "U(-a, a), a = sqrt(6 / (words + length of a word vector)).",
            "lecun_uniform": "U(-a, a), a = sqrt(3 / length of a word vector).",
        },
        matched="uniform_005",
    ),
    "embedding_gradient": Setting(
        "Gradient of the word vectors that the optimizer receives.",
        FUNCTION,
        {
            "dense": "One row per word, the occurrences summed; every row is updated at each step.",
            "sparse": "Only the rows of the batch's words, as the framework produces them.",
        },
        matched="dense",
    ),
    "rnn_kernel": Setting(
        "Whether one kernel runs a whole sequence, or each time step runs operation by operation.",
        TIME,
        {"fused": "One kernel for the sequence.", "cell": "The cell's operations, step by step."},
    ),
    "rnn_init": Setting(
        "Distribution from which the recurrent layer's kernels are drawn: E inputs, H units, three gates stacked.",
        FUNCTION,
        {
            "glorot_uniform": "U(-a, a), a = sqrt(6 / (E + 3 H)) for the inputs, sqrt(6 / (H + 3 H)) for the state.",
            "glorot_split": "U(-a, a) by matrix: sqrt(6 / (E + 3 H)), state to gates sqrt(6 / (3 H)), to candidate "
            "sqrt(6 / (2 H)).",
            "glorot_gates": "U(-a, a) gate by gate: sqrt(6 / (E + H)) for the inputs, sqrt(6 / 2 H) for the state.",
            "glorot_orthogonal": "Inputs as in glorot_uniform; orthogonal for the state.",
            "lecun_orthogonal": "Inputs normal with variance 1 / E, truncated at two standard deviations; orthogonal "
            "for "
            "the state.",
            "lecun_normal": "N(0, 1 / fan_in).",
            "lecun_uniform": "U(-a, a), a = sqrt(3 / fan_in).",
            "hidden_uniform": "U(-a, a), a = 1 / sqrt(H): 0.1 in the published network.",
            "uniform_007": "U(-0.07, 0.07).",
            "uniform_001": "U(-0.01, 0.01).",
            "normal_01": "N(0, 0.01): standard deviation 0.1.",
        },
        matched="glorot_uniform",
    ),
    "reset": Setting(
        "Whether the reset gate is applied after or before the state is multiplied by its kernel.",
        FUNCTION,
        {
            "after": "n = tanh(W x + b + r (U h + c)), with a separate bias for the state.",
            "before": "n = tanh(W x + b + U (r h)), with one bias per gate.",
        },
        matched="after",
    ),
    "gates": Setting(
        "Activation function of the gates.",
        FUNCTION,
        {"sigmoid": "1 / (1 + exp(-x)).", "hard_sigmoid": "0.2 x + 0.5, clipped to [0, 1]."},
        matched="sigmoid",
    ),
}
SETTINGS = in_order(
    ("cpu_kernels", "threads", "compile", "precision", "init", "bias_init", "loss", "labels", "shuffle", "sync")
    + ("sequence_layout", "padding", "embedding_init", "embedding_gradient", "rnn_kernel", "rnn_init", "reset", "gates")
    + ("adam_epsilon", "adam_count"),
    OWN,
)

# {choice: initializers of the GRU's kernels: inputs, state to both gates, state to candidate}. An orthogonal one is
# drawn for all gates at once.
GLOROT = KERNEL_INITIALIZERS["glorot_uniform"]
SQUARE = (ORTHOGONAL, lambda fan_in, fan_out: np.sqrt(1.0 / fan_out))
RNN_INITIALIZERS = {
    "glorot_uniform": (GLOROT,) * 3,
    "glorot_split": (
        GLOROT,
        (UNIFORM, lambda fan_in, fan_out: np.sqrt(2.0 / (3.0 * fan_in))),
        (UNIFORM, lambda fan_in, fan_out: np.sqrt(2.0 / (2.0 * fan_in))),
    ),
    "glorot_gates": ((UNIFORM, lambda fan_in, fan_out: np.sqrt(2.0 / (fan_in + fan_out / 3.0))),) * 3,
    "glorot_orthogonal": (GLOROT, SQUARE, SQUARE),
    "lecun_orthogonal": (KERNEL_INITIALIZERS["lecun_truncated"], SQUARE, SQUARE),
    "lecun_normal": (KERNEL_INITIALIZERS["lecun_normal"],) * 3,
    "lecun_uniform": (KERNEL_INITIALIZERS["lecun_uniform"],) * 3,
    "hidden_uniform": ((UNIFORM, lambda fan_in, fan_out: np.sqrt(1.0 / fan_out)),) * 3,  # fan_out is 3 hidden
    "uniform_007": (KERNEL_INITIALIZERS["uniform_007"],) * 3,
    "uniform_001": (KERNEL_INITIALIZERS["uniform_001"],) * 3,
    "normal_01": (("normal", lambda fan_in, fan_out: 0.1),) * 3,
}


def _dense(choice, weights):
    return kernels(choice, {"dense.weight": weights["dense.weight"]})


def _biases(choice, weights):
    """The dense layer's, then the GRU's, which join sums over the state."""
    dense = biases(choice, {name: weights[name] for name in ("dense.weight", "dense.bias")})
    names = [name for name in ("gru.hidden_bias", "gru.input_bias") if name in weights]
    fan = weights["gru.hidden_weight"].T.shape
    return dense + [(weights[name], BIAS_INITIALIZERS[choice], fan) for name in names]


def _embedding(choice, weights):
    return [(weights["embedding.weight"], EMBEDDING_INITIALIZERS[choice], weights["embedding.weight"].shape)]


def _recurrent(choice, weights):
    inputs, state = weights["gru.input_weight"], weights["gru.hidden_weight"]
    to_inputs, to_gates, to_candidate = RNN_INITIALIZERS[choice]
    parts = [(inputs, to_inputs, inputs.T.shape)]
    if to_gates[0] == ORTHOGONAL:
        return parts + [(state, to_gates, state.T.shape)]
    candidate = 2 * state.shape[1]
    return parts + [(state[:candidate], to_gates, state.T.shape), (state[candidate:], to_candidate, state.T.shape)]


DRAWN = {
    "init": Drawn(KERNEL_INITIALIZERS, _dense),
    "bias_init": Drawn(BIAS_INITIALIZERS, _biases),
    "embedding_init": Drawn(EMBEDDING_INITIALIZERS, _embedding),
    "rnn_init": Drawn(RNN_INITIALIZERS, _recurrent),
}


def epsilon_of(choice):
    """("hat" or "plain", value) of a choice of the setting adam_epsilon.

    >>> epsilon_of("plain_1e-8")
    ('plain', 1e-08)
    """
    form, value = choice.split("_")
    return form, float(value)


class Model(model.Model):
    """What the adapters of this network share; they set `network` (Fields) and `settings`."""

    drawn = DRAWN

    def identify_adam(self, first_move):
        """{"adam_epsilon": ..., "adam_count": ...} of an optimizer whose first step moves a weight by
        first_move(gradient).

        A gradient of 1 shows the bias correction; one of 1e-8 shows epsilon and where it is added.
        """
        for choice in SETTINGS["adam_epsilon"].choices:
            for count, step in (("one", 1), ("two", 2)):
                expected = [self.adam_move(gradient, step, *epsilon_of(choice)) for gradient in (1.0, 1e-8)]
                if np.allclose([first_move(1.0), first_move(1e-8)], expected, rtol=1e-2, atol=0.0):
                    return {"adam_epsilon": choice, "adam_count": count}
        return {"adam_epsilon": "unidentified", "adam_count": "unidentified"}

    def adam_move(self, gradient, step, form, epsilon):
        """How far Adam's first step moves a weight, with the bias correction of step number `step`."""
        network = self.network
        mean, square = (1.0 - network.beta1) * gradient, (1.0 - network.beta2) * gradient**2
        corrected = (1.0 - network.beta2**step) ** 0.5
        root = square**0.5 / corrected + epsilon if form == "hat" else (square**0.5 + epsilon) / corrected
        return network.learning_rate * mean / (1.0 - network.beta1**step) / root


def sequences(random, fields, examples):
    """Word indices that repeat, int32 (examples, tokens): sequences of every length, zeros after the last word."""
    words = random.randint(1, fields["vocabulary"], (examples, fields["tokens"]))
    lengths = random.randint(1, fields["tokens"] + 1, examples)
    return np.where(np.arange(fields["tokens"]) < lengths[:, None], words, 0).astype(np.int32)


NARROW = {"tokens": 12, "vocabulary": 50, "embedding": 8, "hidden": 6, "batch_size": 16}
VERIFICATION = Verification(
    workload="imdb_gru",
    sample=sequences,
    sizes={"full": {}, "narrow": NARROW, "tiny": NARROW},
    followed=("loss", "padding", "reset", "gates", "adam_epsilon", "adam_count"),
    kernels=("sequence_layout", "cpu_kernels"),
    defined={"embedding_gradient": "dense", "adam_count": "one"},
    # At full size some gradients are close to zero, and Adam amplifies their rounding by up to (learning rate /
    # epsilon): 1e5 with hat_1e-8, which is 2e-5 where a CPU's kernels add in another order; 316 with this one. Every
    # form and value has a case in float64.
    conditioned={"adam_epsilon": "plain_1e-7"},
    scored=("precision", "padding", "reset", "gates"),
)
NETWORK = Network(
    name="gru",
    title="The GRU",
    fields=Fields,
    published=PUBLISHED,
    settings=SETTINGS,
    batch=Sequences,
    drawn=DRAWN,
    workloads={"imdb_gru": Task("imdb", 3, {}), "imdb_train_gru": Task("imdb-train", 3, {})},
    verification=VERIFICATION,
    adjustable={
        "hidden": "Units of the GRU.",
        "embedding": "Length of a word vector.",
        "batch_size": "Examples per training step.",
    },
)
