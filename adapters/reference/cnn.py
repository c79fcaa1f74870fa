"""The CNN in NumPy: the function that every other adapter must compute."""

import numpy as np

from adapters.common import initializers
from adapters.networks import cnn
from adapters.networks.cnn import CLIPS, LAYERS, STRIDES
from adapters.reference.layers import LOSSES, Convolution, Dense, Dropout, Flatten, MaxPool, Parametric, Relu

PRECISIONS = {"float32": np.float32, "float64": np.float64}
ORDERS = {
    "before_pool": lambda stride: [Relu(), MaxPool(stride)],
    "after_pool": lambda stride: [MaxPool(stride), Relu()],
}
BORDERS = {"same": 1, "valid": 0}


class Model(cnn.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings = network, settings
        self.dtype = PRECISIONS[settings["precision"]]
        self.random = np.random.RandomState(seed)
        self.layers = self.build()
        self.parametric = [layer for layer in self.layers if isinstance(layer, Parametric)]
        self.loss = self.build_loss()
        self.learning_rate, self.momentum, self.nesterov = self.build_optimizer()

    # Network

    def build(self):
        network = self.network
        (one, two), stride = network.filters, STRIDES[self.settings["pool_stride"]]
        pool = ORDERS[self.settings["relu"]]
        flat = self.flat_size
        return (
            [self.convolution(network.input_shape[0], one), Relu(), self.convolution(one, one)]
            + pool(stride)
            + [self.dropout(0)]
            + [self.convolution(one, two), Relu(), self.convolution(two, two)]
            + pool(stride)
            + [self.dropout(1), Flatten()]
            + [self.dense(flat, network.hidden), Relu(), self.dropout(2), self.dense(network.hidden, network.classes)]
        )

    def convolution(self, inputs, outputs):
        drawn = self.draw((outputs, inputs, 3, 3), outputs)
        if self.settings["conv_bias"] == "off":
            del drawn["bias"]
        return Convolution(drawn, BORDERS[self.settings["conv_padding"]])

    def dense(self, inputs, outputs):
        return Dense(self.draw((inputs, outputs), outputs))

    def draw(self, shape, outputs):
        fan = initializers.fans(shape)
        weight = initializers.draw(self.random, initializers.KERNEL_INITIALIZERS[self.settings["init"]], shape, fan)
        bias = initializers.draw(
            self.random, initializers.BIAS_INITIALIZERS[self.settings["bias_init"]], (outputs,), fan
        )
        return {"weight": weight.astype(self.dtype), "bias": bias.astype(self.dtype)}

    def dropout(self, position):
        at_test = self.settings["dropout_at_test"] == "on"
        return Dropout(self.network.dropout[position], self.random, at_test)

    def forward(self, x, training):
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    # Loss

    def build_loss(self):
        return LOSSES[self.settings["loss"]]

    def targets(self, y):
        one_hot = y if y.ndim == 2 else np.eye(self.network.classes)[y]
        return one_hot.astype(self.dtype)

    # Optimizer

    def build_optimizer(self):
        rate = self.network.rate(self.settings["momentum"])
        return rate, self.network.momentum, self.settings["nesterov"] == "on"

    def update(self):
        for layer in self.parametric:
            for name, array in layer.parameters.items():
                moved = self.moved(array, layer.velocities[name], self.clipped(layer.gradients[name]))
                layer.parameters[name], layer.velocities[name] = moved

    def clipped(self, gradient):
        limit = CLIPS[self.settings["clip"]]
        return gradient if limit is None else np.clip(gradient, -limit, limit)

    def moved(self, weight, velocity, gradient):
        """(weight, velocity) after a step."""
        velocity = self.momentum * velocity + gradient
        step = gradient + self.momentum * velocity if self.nesterov else velocity
        return weight - self.learning_rate * step, velocity

    # Step

    def train_step(self, x, y):
        loss, gradient = self.loss(self.forward(x, True), self.targets(y))
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)
        self.update()
        return loss

    # Predict

    def predict(self, x):
        return self.forward(x, False)

    # Weights

    def get_weights(self):
        layers = zip(LAYERS, self.parametric)
        return {"{}.{}".format(name, part): array for name, layer in layers for part, array in layer.parameters.items()}

    def set_weights(self, weights):
        for name, layer in zip(LAYERS, self.parametric):
            for part in layer.parameters:
                layer.parameters[part] = weights["{}.{}".format(name, part)].astype(self.dtype)

    # Report

    def report(self):
        kinds = [type(layer) for layer in self.layers]
        dropouts = [layer for layer in self.layers if isinstance(layer, Dropout)]
        convolution, pool = self.parametric[0], self.layers[kinds.index(MaxPool)]
        return dict(
            self.identify_initializers(),
            layout="nchw",
            precision=str(convolution.parameters["weight"].dtype),
            conv_bias="on" if "bias" in convolution.parameters else "off",
            conv_padding={border: name for name, border in BORDERS.items()}[convolution.border],
            pool_stride={stride: name for name, stride in STRIDES.items()}[pool.stride],
            relu="after_pool" if kinds.index(MaxPool) < kinds.index(Relu, 3) else "before_pool",
            dropout_at_test="on" if dropouts[0].at_test else "off",
            loss={function: name for name, function in LOSSES.items()}[self.loss],
            **self.identify_update(self.first_move()),
        )

    def first_move(self):
        return -self.moved(0.0, 0.0, self.clipped(1.0))[0]
