"""Model: what an adapter implements. Arithmetic only: the worker owns loop, clock, batch order and evaluation."""

import itertools
from typing import NamedTuple, Tuple

import numpy as np

from adapters.common import initializers
from adapters.common.shapes import flat_sides
from adapters.contract.settings import SETTINGS


class Network(NamedTuple):
    """The network and its hyper-parameters, framework-neutral, as the request carries them.

    input_shape: (channels, height, width) of one picture.
    filters: outputs of the first and of the second pair of 3x3 convolutions.
    hidden: outputs of the first dense layer.
    dropout: rates after the first pool, after the second pool, and after the first dense layer.
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

    @property
    def step_scale(self):
        """What classical momentum's learning rate is multiplied by to make its steps unit-gain ones.

        v = m v + (1 - m) g and w -= lr v is the same update as v = m v + g and w -= (1 - m) lr v.
        """
        return 1.0 - self.momentum


class RecurrentNetwork(NamedTuple):
    """Word vectors, one GRU, and a dense layer on its last output, trained with Adam.

    tokens: length of a sequence. vocabulary: number of words, padding (0) among them. embedding: length of a word vector.
    hidden: units of the GRU. beta1, beta2: Adam's decays. threads, device: as in Network.
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


NETWORKS = {"cnn": Network, "gru": RecurrentNetwork}

# Canonical names of the CNN's layers and their order, shared by every adapter.
LAYERS = ("conv1", "conv2", "conv3", "conv4", "dense1", "dense2")


# Where gradients are clipped.
CLIPS = {"none": None, "value_0.01": 0.01}


def epsilon_of(choice):
    """("hat" or "plain", value) of a choice of the setting adam_epsilon.

    >>> epsilon_of("plain_1e-8")
    ('plain', 1e-08)
    """
    form, value = choice.split("_")
    return form, float(value)


class Model(object):
    """One network in one framework, with one configuration.

    Canonical weights of the CNN: convolution (out, in, height, width), dense (in, out), flattened channels first; named
    "conv1.weight", "conv1.bias", ..., "dense2.bias".

    Without "convN.bias" where conv_bias is off.

    Of the GRU: "embedding.weight" (words, features); "gru.input_weight" (3 hidden, features), "gru.hidden_weight"
    (3 hidden, hidden), "gru.input_bias" and, where reset is "after", "gru.hidden_bias" (3 hidden,), the gates stacked in the
    order reset, update, candidate; "dense.weight" (in, out), "dense.bias". The new state is (1 - z) n + z h.
    """

    def __init__(self, network, settings, seed):
        """Build the network, loss and optimiser. `settings` maps every supported setting to a choice."""
        raise NotImplementedError

    def train_step(self, x, y):
        """Update once; return the loss handle without waiting for the device.

        x: float array, (batch, channels, height, width) or (batch, height, width, channels) as `layout` says; for the GRU
        int32 array of word numbers, (batch, tokens) or (tokens, batch) as `sequence_layout` says.
        y: int32 (batch,) or float (batch, classes) as `labels` says.
        Both are as `load` yields them where `loader` is framework.
        """
        raise NotImplementedError

    def load(self, x, y, batches):
        """Yield (x, y) of an epoch from the framework's own loader, in whatever form train_step takes.

        x, y: all training examples, examples first. batches: int64 (batches, batch_size), the examples of each batch.
        """
        raise NotImplementedError

    def fetch(self, loss):
        """Loss handle to float."""
        return float(loss)

    def predict(self, x):
        """Class scores before softmax, float (batch, classes); x as in train_step."""
        raise NotImplementedError

    def synchronize(self):
        """Return once all queued device work is done."""

    def get_weights(self):
        """{canonical name: array in canonical layout}."""
        raise NotImplementedError

    def set_weights(self, weights):
        """Overwrite the weights from canonical arrays; the optimiser's state stays as it is."""
        raise NotImplementedError

    def report(self):
        """{setting: choice} really in force, read back from the framework; called on a freshly built model.

        Covers every supported setting but those that the batches alone decide (`Batches.report`).
        """
        raise NotImplementedError

    @property
    def flat_shape(self):
        """(channels, height, width) where the CNN's first dense layer receives them."""
        return (self.network.filters[1],) + flat_sides(self.network.input_shape, self.settings)

    def recognise_update(self, moved):
        """{"momentum": ..., "nesterov": ..., "clip": ...}, from how far the first step moves a weight down a gradient of 1."""
        network = self.network
        gains = {"classical": 1.0, "unit_gain": network.step_scale}
        looks = {"off": 1.0, "on": 1.0 + network.momentum}
        for gain, nesterov, clip in itertools.product(gains, looks, CLIPS):
            gradient = 1.0 if CLIPS[clip] is None else CLIPS[clip]
            if np.isclose(
                moved, network.learning_rate * gains[gain] * looks[nesterov] * gradient, rtol=1e-4, atol=0.0
            ):  # float32 rounds
                return {"momentum": gain, "nesterov": nesterov, "clip": clip}
        return dict.fromkeys(("momentum", "nesterov", "clip"), "unrecognised")

    def recognise_adam(self, first_move):
        """{"adam_epsilon": ..., "adam_count": ...} of an optimiser whose first step moves a weight by first_move(gradient).

        A gradient of 1 shows the bias correction, one of 1e-8 where epsilon stands, and which.
        """
        for choice in SETTINGS["adam_epsilon"].choices:
            for count, step in (("one", 1), ("two", 2)):
                expected = [self.adam_move(gradient, step, *epsilon_of(choice)) for gradient in (1.0, 1e-8)]
                if np.allclose([first_move(1.0), first_move(1e-8)], expected, rtol=1e-2, atol=0.0):
                    return {"adam_epsilon": choice, "adam_count": count}
        return {"adam_epsilon": "unrecognised", "adam_count": "unrecognised"}

    def adam_move(self, gradient, step, form, epsilon):
        """How far Adam's first step moves a weight, with the bias correction of step number `step`."""
        network = self.network
        mean, square = (1.0 - network.beta1) * gradient, (1.0 - network.beta2) * gradient**2
        corrected = (1.0 - network.beta2**step) ** 0.5
        root = square**0.5 / corrected + epsilon if form == "hat" else (square**0.5 + epsilon) / corrected
        return network.learning_rate * mean / (1.0 - network.beta1**step) / root

    def redraw(self, seed, own):
        """Draw the weights anew by NumPy where their law is not the one by which the framework itself draws.

        own: {setting: the framework's own choice} for init, bias_init, embedding_init and rnn_init. What a framework
        offers no initialiser for is so the same in every framework, number by number.
        """
        others = {name: self.settings[name] for name, choice in own.items() if self.settings[name] != choice}
        self.set_weights(initializers.redrawn(self.get_weights(), others, seed))

    def recognise_laws(self):
        """{"init": ..., "bias_init": ..., and so on} as the weights themselves show. Meaningful on a freshly built model."""
        return initializers.recognise(self.get_weights(), self.settings)
