"""Model: what an adapter implements. Arithmetic only: the worker owns loop, clock, batch order and evaluation."""
from typing import NamedTuple, Tuple

from adapters import laws


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
    def flat_shape(self):
        """(channels, height, width) where the first dense layer receives them."""
        return self.filters[1], self.input_shape[1] // 4, self.input_shape[2] // 4

    @property
    def step_scale(self):
        """What classical momentum's learning rate is multiplied by to make its steps unit-gain ones.

        v = m v + (1 - m) g and w -= lr v is the same update as v = m v + g and w -= (1 - m) lr v.
        """
        return 1.0 - self.momentum


# Canonical names and their order, shared by every adapter.
LAYERS = ("conv1", "conv2", "conv3", "conv4", "dense1", "dense2")


class Model(object):
    """One network in one framework, with one configuration.

    Canonical weights: convolution (out, in, height, width), dense (in, out), flattened channels first;
    named "conv1.weight", "conv1.bias", ..., "dense2.bias".
    """

    def __init__(self, network, settings, seed):
        """Build the network, loss and optimiser. `settings` maps every supported setting to a choice."""
        raise NotImplementedError

    def train_step(self, x, y):
        """Update once; return the loss handle without waiting for the device.

        x: float array, (batch, channels, height, width) or (batch, height, width, channels) as `layout` says.
        y: int32 (batch,) or float (batch, classes) as `labels` says.
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

    def recognise_laws(self):
        """{"init": ..., "bias_init": ...} as the weights themselves show. Meaningful on a freshly built model."""
        return laws.recognise(self.get_weights())
