"""The CNN in TensorFlow 2, with its own operations: Keras has an adapter of its own."""
import os

import numpy as np
import tensorflow as tf

from adapters import laws, model
from adapters.model import LAYERS
from adapters.tensorflow.losses import cross_entropy, softmax_cross_entropy
from adapters.tensorflow.runtime import configure_devices, graph

INITIALIZERS = {
    "glorot_uniform": lambda fan: uniform((6.0 / sum(fan)) ** 0.5),
    "xavier_224": lambda fan: uniform((4.48 / sum(fan)) ** 0.5),
    "fan_in_uniform": lambda fan: uniform((1.0 / fan[0]) ** 0.5),
    "lecun_uniform": lambda fan: uniform((3.0 / fan[0]) ** 0.5),
    "lecun_normal": lambda fan: tf.compat.v1.random_normal_initializer(stddev=(1.0 / fan[0]) ** 0.5),
    "lecun_truncated": lambda fan: tf.compat.v1.truncated_normal_initializer(stddev=(1.0 / fan[0]) ** 0.5 / laws.TRUNCATION),
    "uniform_007": lambda fan: uniform(0.07),
    "uniform_001": lambda fan: uniform(0.01),
}
BIAS_INITIALIZERS = {
    "zeros": lambda fan: tf.zeros_initializer(),
    "fan_in_uniform": lambda fan: uniform((1.0 / fan[0]) ** 0.5),
}
DATA_FORMATS = {"nchw": "NCHW", "nhwc": "NHWC"}
PRECISIONS = {"float32": tf.float32, "float64": tf.float64}


def uniform(limit):
    return tf.compat.v1.random_uniform_initializer(-limit, limit)


class Model(model.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings = network, settings
        configure_devices(network)
        tf.random.set_seed(seed)
        self.dtype = PRECISIONS[settings["precision"]]
        self.data_format = DATA_FORMATS[settings["layout"]]
        self.weights, self.biases = self.build()
        self.loss = self.build_loss()
        self.learning_rate, self.momentum, self.velocities = self.build_optimizer()
        self.step, self.scores = self.build_step()

    # Network

    def build(self):
        network = self.network
        (one, two), flat = network.filters, int(np.prod(network.flat_shape))
        convolutions = [(network.input_shape[0], one), (one, one), (one, two), (two, two)]
        shapes = [(3, 3) + pair for pair in convolutions] + [(flat, network.hidden), (network.hidden, network.classes)]
        weights, biases = {}, {}
        for name, shape in zip(LAYERS, shapes):
            fan = laws.fans(shape[::-1] if len(shape) == 4 else shape)
            weights[name] = self.variable(INITIALIZERS[self.settings["init"]](fan), shape)
            biases[name] = self.variable(BIAS_INITIALIZERS[self.settings["bias_init"]](fan), shape[-1:])
        return weights, biases

    def variable(self, initializer, shape):
        return tf.Variable(initializer(shape, dtype=self.dtype))

    def forward(self, x, training):
        dropping = training or self.settings["dropout_at_test"] == "on"
        x = tf.nn.relu(self.convolution("conv1", x))
        x = self.dropout(0, self.pool(self.convolution("conv2", x)), dropping)
        x = tf.nn.relu(self.convolution("conv3", x))
        x = self.dropout(1, self.pool(self.convolution("conv4", x)), dropping)
        x = tf.reshape(x, [-1, int(np.prod(self.network.flat_shape))])
        x = self.dropout(2, tf.nn.relu(self.dense("dense1", x)), dropping)
        return self.dense("dense2", x)

    def convolution(self, name, x):
        x = tf.nn.conv2d(x, self.weights[name], 1, "SAME", data_format=self.data_format)
        return tf.nn.bias_add(x, self.biases[name], data_format=self.data_format)

    def pool(self, x):
        if self.settings["relu"] == "after_pool":
            return tf.nn.relu(tf.nn.max_pool2d(x, 2, 2, "VALID", data_format=self.data_format))
        return tf.nn.max_pool2d(tf.nn.relu(x), 2, 2, "VALID", data_format=self.data_format)

    def dropout(self, position, x, dropping):
        rate = self.network.dropout[position]
        return tf.nn.dropout(x, rate) if dropping and rate else x

    def dense(self, name, x):
        return tf.matmul(x, self.weights[name]) + self.biases[name]

    # Loss

    def build_loss(self):
        return {"logits": cross_entropy, "softmax_twice": softmax_cross_entropy}[self.settings["loss"]]

    # Optimiser

    def build_optimizer(self):
        scale = {"classical": 1.0, "unit_gain": self.network.step_scale}[self.settings["momentum"]]
        constants = [tf.constant(value, self.dtype) for value in (self.network.learning_rate * scale, self.network.momentum)]
        return constants + [[tf.Variable(tf.zeros_like(variable)) for variable in self.variables()]]

    def variables(self):
        return list(self.weights.values()) + list(self.biases.values())

    def update(self, gradients):
        for variable, velocity, gradient in zip(self.variables(), self.velocities, gradients):
            self.move(variable, velocity, gradient)

    def move(self, variable, velocity, gradient):
        tf.raw_ops.ResourceApplyMomentum(
            var=variable.handle, accum=velocity.handle, lr=self.learning_rate, grad=gradient, momentum=self.momentum,
            use_nesterov=self.settings["nesterov"] == "on",
        )

    # Step

    def build_step(self):
        network, layout = self.network, self.settings["layout"]
        shape = tuple(network.input_shape[axis] for axis in {"nchw": (0, 1, 2), "nhwc": (1, 2, 0)}[layout])
        pictures = tf.TensorSpec((network.batch_size,) + shape, self.dtype)
        scores = graph(lambda x: self.forward(x, False), input_signature=[pictures])
        return {"eager": lambda f: f, "graph": graph}[self.settings["compile"]](self.forward_backward), scores

    def forward_backward(self, x, y):
        with tf.GradientTape() as tape:
            loss = self.loss(self.forward(x, True), y)
        self.update(tape.gradient(loss, self.variables()))
        return loss

    def train_step(self, x, y):
        return self.step(tf.convert_to_tensor(x), tf.convert_to_tensor(y))

    # Predict

    def predict(self, x):
        return self.scores(tf.convert_to_tensor(x)).numpy()

    def synchronize(self):
        tf.test.experimental.sync_devices()

    # Weights

    def get_weights(self):
        weights = {}
        for name in LAYERS:
            weights[name + ".weight"] = self.canonical(name, self.weights[name].numpy())
            weights[name + ".bias"] = self.biases[name].numpy()
        return weights

    def set_weights(self, weights):
        for name in LAYERS:
            self.weights[name].assign(self.native(name, weights[name + ".weight"]))
            self.biases[name].assign(weights[name + ".bias"])

    def canonical(self, name, array):
        """Kernels are (height, width, in, out) here; channels-last pictures flatten to (height, width, channels)."""
        if array.ndim == 4:
            return array.transpose(3, 2, 0, 1)
        if name == "dense1" and self.settings["layout"] == "nhwc":
            channels, height, width = self.network.flat_shape
            return array.reshape(height, width, channels, -1).transpose(2, 0, 1, 3).reshape(array.shape)
        return array

    def native(self, name, array):
        if array.ndim == 4:
            return array.transpose(2, 3, 1, 0)
        if name == "dense1" and self.settings["layout"] == "nhwc":
            channels, height, width = self.network.flat_shape
            return array.reshape(channels, height, width, -1).transpose(1, 2, 0, 3).reshape(array.shape)
        return array

    # Report

    def report(self):
        operations = self.scores.get_concrete_function().graph.get_operations()
        kinds = [operation.type for operation in operations]
        formats = {operation.get_attr("data_format") for operation in operations if operation.type == "Conv2D"}
        dropping = any("RandomUniform" in kind for kind in kinds)
        return dict(
            self.recognise_laws(),
            layout=formats.pop().decode().lower(),
            autotune="off" if os.environ.get("TF_CUDNN_USE_AUTOTUNE") == "0" else "on",
            compile="graph" if hasattr(self.step, "get_concrete_function") else "eager",
            precision=self.weights["conv1"].dtype.name,
            relu="after_pool" if kinds.index("MaxPool") < kinds.index("Relu", kinds.index("Relu") + 1) else "before_pool",
            dropout_at_test="on" if dropping else "off",
            loss="softmax_twice" if self.loss is softmax_cross_entropy else "logits",
            **self.recognise_update(self.first_move())
        )

    def first_move(self):
        weight, velocity = tf.Variable(tf.zeros(1, self.dtype)), tf.Variable(tf.zeros(1, self.dtype))
        self.move(weight, velocity, tf.ones(1, self.dtype))
        return -float(weight[0])
