"""The CNN in Keras 2.3, on each of its back ends."""

import numpy as np

from adapters.common import initializers
from adapters.keras2.backends import BACKEND, keras, start
from adapters.networks import cnn
from adapters.networks.cnn import CLIPS, LAYERS, STRIDES

K = keras.backend

# Keras's own lecun_normal is truncated at two standard deviations.
INITIALIZERS = {
    "glorot_uniform": lambda fan: keras.initializers.glorot_uniform(),
    "xavier_224": lambda fan: keras.initializers.VarianceScaling(2.24 / 3, "fan_avg", "uniform"),
    "fan_in_uniform": lambda fan: keras.initializers.VarianceScaling(1.0 / 3, "fan_in", "uniform"),
    "lecun_uniform": lambda fan: keras.initializers.lecun_uniform(),
    "lecun_normal": lambda fan: keras.initializers.RandomNormal(stddev=(1.0 / fan[0]) ** 0.5),
    "lecun_truncated": lambda fan: keras.initializers.lecun_normal(),
    "uniform_007": lambda fan: keras.initializers.RandomUniform(-0.07, 0.07),
    "uniform_001": lambda fan: keras.initializers.RandomUniform(-0.01, 0.01),
}
BIAS_INITIALIZERS = {
    "zeros": lambda fan: keras.initializers.Zeros(),
    "fan_in_uniform": lambda fan: keras.initializers.RandomUniform(-((1.0 / fan[0]) ** 0.5), (1.0 / fan[0]) ** 0.5),
}
DATA_FORMATS = {"nchw": "channels_first", "nhwc": "channels_last"}
ORDERS = {
    "before_pool": lambda stride: [keras.layers.Activation("relu"), keras.layers.MaxPooling2D(2, stride)],
    "after_pool": lambda stride: [keras.layers.MaxPooling2D(2, stride), keras.layers.Activation("relu")],
}
LOSSES = {"sparse": keras.losses.SparseCategoricalCrossentropy, "one_hot": keras.losses.CategoricalCrossentropy}


class Model(cnn.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings = network, settings
        start(network, settings, seed)
        K.set_image_data_format(DATA_FORMATS[settings["layout"]])
        self.x, self.y = self.inputs()
        self.layers = self.build()
        self.parametric = [
            layer for layer in self.layers if isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense))
        ]
        self.loss = self.build_loss(self.forward(self.x, training=True))
        self.step = self.build_step([self.x, self.y], [self.loss] + self.unused_gradients(), self.variables())
        scores = self.forward(self.x, training=settings["dropout_at_test"] == "on")
        self.scores = K.function([self.x], [scores])

    # Network

    def inputs(self):
        channels, height, width = self.network.input_shape
        shape = {"nchw": (channels, height, width), "nhwc": (height, width, channels)}[self.settings["layout"]]
        columns = {"sparse": 1, "one_hot": self.network.classes}[self.settings["labels"]]
        return keras.layers.Input(shape), keras.layers.Input((columns,))

    def build(self):
        network, pool, stride = self.network, ORDERS[self.settings["relu"]], STRIDES[self.settings["pool_stride"]]
        (one, two), rates = network.filters, network.dropout
        return (
            [self.convolution(network.input_shape[0], one), keras.layers.Activation("relu"), self.convolution(one, one)]
            + pool(stride)
            + [keras.layers.Dropout(rates[0])]
            + [self.convolution(one, two), keras.layers.Activation("relu"), self.convolution(two, two)]
            + pool(stride)
            + [keras.layers.Dropout(rates[1]), keras.layers.Flatten()]
            + [self.dense(self.flat_size, network.hidden), keras.layers.Activation("relu")]
            + [keras.layers.Dropout(rates[2]), self.dense(network.hidden, network.classes)]
        )

    def convolution(self, inputs, outputs):
        padding, bias = self.settings["conv_padding"], self.settings["conv_bias"] == "on"
        return keras.layers.Conv2D(
            outputs, 3, padding=padding, use_bias=bias, **self.initializers((outputs, inputs, 3, 3))
        )

    def dense(self, inputs, outputs):
        return keras.layers.Dense(outputs, **self.initializers((inputs, outputs)))

    def initializers(self, shape):
        fan = initializers.fans(shape)
        return {
            "kernel_initializer": INITIALIZERS[self.settings["init"]](fan),
            "bias_initializer": BIAS_INITIALIZERS[self.settings["bias_init"]](fan),
        }

    def forward(self, x, training):
        for layer in self.layers:
            x = layer(x, training=training) if isinstance(layer, keras.layers.Dropout) else layer(x)
        return x

    # Loss

    def build_loss(self, scores):
        given = self.settings["loss"]
        self.probabilities = keras.layers.Activation(softmax)(scores)
        self.cross_entropy = LOSSES[self.settings["labels"]](from_logits=given != "probabilities")
        return K.mean(self.cross_entropy.call(self.y, scores if given == "logits" else self.probabilities))

    # Optimizer

    def build_optimizer(self):
        rate = self.network.rate(self.settings["momentum"])
        nesterov, limit = self.settings["nesterov"] == "on", CLIPS[self.settings["clip"]]
        # On CNTK a Python number becomes float32.
        clipping = {} if limit is None else {"clipvalue": K.cast_to_floatx(limit)}
        return keras.optimizers.SGD(rate, self.network.momentum, nesterov, **clipping)

    def variables(self):
        return [variable for layer in self.parametric for variable in layer.weights]

    # Step

    def unused_gradients(self):
        """Further outputs of a step: a graph computes only its outputs."""
        return K.gradients(self.loss, [self.x]) if self.settings.get("input_gradient") == "computed" else []

    def build_step(self, inputs, outputs, variables):
        """outputs: the loss, then others."""
        return K.function(inputs, outputs, updates=self.build_optimizer().get_updates(outputs[0], variables))

    def train_step(self, x, y):
        return self.step([x, y if y.ndim == 2 else y[:, None]])[0]

    # Predict

    def predict(self, x):
        return self.scores([x])[0]

    def synchronize(self):
        K.get_value(self.parametric[-1].bias)

    # Weights

    def get_weights(self):
        weights = {}
        for name, layer in zip(LAYERS, self.parametric):
            weight, *biases = layer.get_weights()
            weights[name + ".weight"] = self.canonical(name, weight)
            if layer.use_bias:
                weights[name + ".bias"] = biases[0]
        return weights

    def set_weights(self, weights):
        for name, layer in zip(LAYERS, self.parametric):
            biases = [weights[name + ".bias"]] if layer.use_bias else []
            layer.set_weights([self.native(name, weights[name + ".weight"])] + biases)

    def canonical(self, name, array):
        """Kernels are (height, width, in, out) here; Flatten yields (height, width, channels) in both layouts."""
        if array.ndim == 4:
            return BACKEND.kernel(array.transpose(3, 2, 0, 1))
        if name == "dense1":
            return self.channels_first(array)
        return array

    def native(self, name, array):
        if array.ndim == 4:
            return BACKEND.kernel(array).transpose(2, 3, 1, 0)
        if name == "dense1":
            return self.channels_last(array)
        return array

    # Report

    def report(self):
        kinds = [type(layer) for layer in self.layers]
        pool, convolution = kinds.index(keras.layers.MaxPooling2D), self.parametric[0]
        formats = {format: layout for layout, format in DATA_FORMATS.items()}
        return dict(
            self.identify_initializers(),
            layout=formats[convolution.data_format],
            compile="graph" if K.is_placeholder(self.x) else "eager",
            precision=K.dtype(convolution.kernel),
            conv_bias="on" if convolution.use_bias else "off",
            conv_padding=convolution.padding,
            pool_stride={(stride, stride): name for name, stride in STRIDES.items()}[self.layers[pool].strides],
            input_gradient="computed" if BACKEND.returned(self.step) > 1 else "skipped",
            relu="after_pool" if pool < kinds.index(keras.layers.Activation, 3) else "before_pool",
            dropout_at_test=self.read_dropout(),
            loss=self.read_loss(),
            **BACKEND.report(),
            **self.identify_update(self.first_move()),
        )

    def read_dropout(self):
        x = np.ones((self.network.batch_size,) + K.int_shape(self.x)[1:], self.settings["precision"])
        return "off" if np.array_equal(self.predict(x), self.predict(x)) else "on"

    def read_loss(self):
        if not BACKEND.depends(self.loss, self.probabilities):
            return "logits"
        return "softmax_twice" if self.cross_entropy.get_config()["from_logits"] else "probabilities"

    def first_move(self):
        weight, gradient = K.variable(np.zeros(1)), keras.layers.Input((1,))
        step = self.build_step([gradient], [K.mean(gradient * weight)], [weight])
        step([np.ones((1, 1), self.settings["precision"])])
        return -float(K.get_value(weight)[0])


def softmax(scores):
    """Softmax followed by an identity: from a bare softmax the TensorFlow back end's loss would take the scores."""
    return K.identity(K.softmax(scores))
