"""The CNN in Keras 3, on any of its back ends."""

import numpy as np

from adapters.keras3 import backends, losses
from adapters.keras3.backends import INITIALIZERS, NUMBERS, keras
from adapters.networks import cnn
from adapters.networks.cnn import CLIPS, LAYERS, STRIDES

layers = keras.layers

BIAS_INITIALIZERS = {
    "zeros": lambda fan_in: keras.initializers.Zeros(),
    "fan_in_uniform": lambda fan_in: keras.initializers.RandomUniform(-(fan_in**-0.5), fan_in**-0.5),
}
ORDERS = {
    "before_pool": lambda stride: [layers.ReLU(), layers.MaxPooling2D(2, stride)],
    "after_pool": lambda stride: [layers.MaxPooling2D(2, stride), layers.ReLU()],
}


class ConstantDropout(layers.Dropout):
    """Dropout that stays active while predicting."""

    def call(self, inputs, training=True):
        return super().call(inputs, training=True)


DROPOUTS = {"off": layers.Dropout, "on": ConstantDropout}


class Model(cnn.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings = network, settings
        self.backend = backends.configure(network, settings, seed)
        with self.backend.draws():
            self.scores, self.net = self.build()
        self.backend.compile(self.net, self.scores, self.build_loss(), self.build_optimizer())

    # Network

    def build(self):
        network, pool, stride = self.network, ORDERS[self.settings["relu"]], STRIDES[self.settings["pool_stride"]]
        (one, two), channels = network.filters, network.input_shape[0]
        stack = [
            layers.Input(self.image_shape()),
            self.convolution(channels, one),
            layers.ReLU(),
            self.convolution(one, one),
            *pool(stride),
            self.dropout(0),
            self.convolution(one, two),
            layers.ReLU(),
            self.convolution(two, two),
            *pool(stride),
            self.dropout(1),
            layers.Flatten(),
            self.dense(self.flat_size, network.hidden),
            layers.ReLU(),
            self.dropout(2),
            self.dense(network.hidden, network.classes),
        ]
        return keras.Sequential(stack), keras.Sequential([*stack, losses.activation(self.settings, self.backend)])

    def image_shape(self):
        return tuple(
            self.network.input_shape[axis] for axis in {"nchw": (0, 1, 2), "nhwc": (1, 2, 0)}[self.settings["layout"]]
        )

    def convolution(self, inputs, outputs):
        padding, bias = self.settings["conv_padding"], self.settings["conv_bias"] == "on"
        return layers.Conv2D(outputs, 3, padding=padding, use_bias=bias, **self.initializers(9 * inputs))

    def dense(self, inputs, outputs):
        return layers.Dense(outputs, **self.initializers(inputs))

    def initializers(self, fan_in):
        bias_initializer = BIAS_INITIALIZERS[self.settings["bias_init"]](fan_in)
        return {"kernel_initializer": INITIALIZERS[self.settings["init"]](), "bias_initializer": bias_initializer}

    def dropout(self, position):
        return DROPOUTS[self.settings["dropout_at_test"]](self.network.dropout[position])

    # Loss

    def build_loss(self):
        return losses.cross_entropy(self.settings)

    # Optimizer

    def build_optimizer(self):
        number, limit = NUMBERS[keras.config.floatx()], CLIPS[self.settings["clip"]]
        rate, momentum = number(self.network.rate(self.settings["momentum"])), number(self.network.momentum)
        clipvalue = limit and number(limit)
        return keras.optimizers.SGD(rate, momentum, nesterov=self.settings["nesterov"] == "on", clipvalue=clipvalue)

    # Step

    def train_step(self, x, y):
        return self.backend.train_step(self.net, x, y)

    # Predict

    def predict(self, x):
        self.backend.settle(self.net)
        return np.asarray(self.scores.predict_on_batch(x), keras.config.floatx())

    def synchronize(self):
        self.backend.synchronize(self.net)

    # Weights

    def get_weights(self):
        self.backend.settle(self.net)
        weights = {}
        for name, layer in self.parametric():
            kernel, *bias = layer.get_weights()
            weights.update(zip((name + ".weight", name + ".bias"), (self.canonical(name, kernel), *bias)))
        return weights

    def set_weights(self, weights):
        self.backend.settle(self.net)
        for name, layer in self.parametric():
            bias = [weights[name + ".bias"]] if layer.use_bias else []
            layer.set_weights([self.native(name, weights[name + ".weight"]), *bias])

    def parametric(self):
        return zip(LAYERS, [layer for layer in self.net.layers if isinstance(layer, (layers.Conv2D, layers.Dense))])

    def canonical(self, name, array):
        """Kernels are (height, width, in, out) here; Flatten yields (height, width, channels) in both layouts."""
        if array.ndim == 4:
            return array.transpose(3, 2, 0, 1)
        if name == "dense1":
            return self.channels_first(array)
        return array

    def native(self, name, array):
        if array.ndim == 4:
            return array.transpose(2, 3, 1, 0)
        if name == "dense1":
            return self.channels_last(array)
        return array

    # Report

    def report(self):
        kinds = [type(layer) for layer in self.net.layers]
        convolution, pool = self.net.layers[0], self.net.layers[kinds.index(layers.MaxPooling2D)]
        return dict(
            self.identify_initializers(),
            layout={"channels_first": "nchw", "channels_last": "nhwc"}[convolution.data_format],
            precision=self.backend.precision(convolution),
            conv_bias="on" if convolution.use_bias else "off",
            conv_padding=convolution.padding,
            pool_stride={stride: name for name, stride in STRIDES.items()}[pool.strides[0]],
            relu="after_pool" if kinds.index(layers.MaxPooling2D) < kinds.index(layers.ReLU, 3) else "before_pool",
            dropout_at_test="on" if ConstantDropout in kinds else "off",
            loss=losses.in_force(self.net),
            **self.backend.report(self.net),
            **self.identify_update(self.first_move()),
        )

    def first_move(self):
        weight = keras.Variable(np.zeros(1), dtype=keras.config.floatx())
        self.build_optimizer().apply([keras.ops.ones(1)], [weight])
        return -float(keras.ops.convert_to_numpy(weight)[0])
