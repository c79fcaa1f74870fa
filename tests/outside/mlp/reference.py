"""The MLP in NumPy."""

import numpy as np

from adapters.common import initializers
from adapters.reference.layers import LOSSES, Dense, Relu
from mlp import network


class Tanh(object):
    def forward(self, x, training):
        self.out = np.tanh(x)
        return self.out

    def backward(self, gradient):
        return gradient * (1.0 - self.out**2)


ACTIVATIONS = {"relu": Relu, "tanh": Tanh}


class Model(network.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings, self.dtype = network, settings, np.dtype(settings["precision"])
        self.layers = self.build(seed)
        self.loss = self.build_loss()

    # Network

    def build(self, seed):
        network = self.network
        sizes = {"hidden": (self.flat_size, network.hidden), "output": (network.hidden, network.classes)}
        zeros = {name + ".weight": np.zeros(size) for name, size in sizes.items()}
        zeros.update({name + ".bias": np.zeros(size[1]) for name, size in sizes.items()})
        drawn = initializers.redrawn(zeros, {name: self.settings[name] for name in self.drawn}, seed, self.drawn)
        self.dense = {
            name: Dense({part: drawn[name + "." + part].astype(self.dtype) for part in ("weight", "bias")})
            for name in sizes
        }
        return [self.dense["hidden"], ACTIVATIONS[self.settings["activation"]](), self.dense["output"]]

    def forward(self, x, training):
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    # Loss

    def build_loss(self):
        return LOSSES[self.settings["loss"]]

    def targets(self, y):
        return (y if y.ndim == 2 else np.eye(self.network.classes)[y]).astype(self.dtype)

    # Step

    def train_step(self, x, y):
        loss, gradient = self.loss(self.forward(x, True), self.targets(y))
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)
        for layer in self.dense.values():
            for name, array in layer.parameters.items():
                layer.parameters[name] = array - self.network.learning_rate * layer.gradients[name]
        return loss

    # Predict

    def predict(self, x):
        return self.forward(x, False)

    # Weights

    def get_weights(self):
        parts = [(name, layer.parameters) for name, layer in self.dense.items()]
        return {"{}.{}".format(name, part): array for name, found in parts for part, array in found.items()}

    def set_weights(self, weights):
        for name, layer in self.dense.items():
            for part in layer.parameters:
                layer.parameters[part] = weights["{}.{}".format(name, part)].astype(self.dtype)

    # Report

    def report(self):
        return dict(
            self.identify_initializers(),
            precision=str(self.dense["output"].parameters["weight"].dtype),
            loss={function: name for name, function in LOSSES.items()}[self.loss],
            activation={kind: name for name, kind in ACTIVATIONS.items()}[type(self.layers[1])],
        )
