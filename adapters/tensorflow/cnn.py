"""The CNN in TensorFlow 2, with its own operations: Keras has a separate adapter."""

import os

import tensorflow as tf

from adapters.common import initializers
from adapters.networks import cnn
from adapters.networks.cnn import CLIPS, LAYERS, STRIDES
from adapters.tensorflow.losses import cross_entropy, softmax_cross_entropy
from adapters.tensorflow.precision import COMPUTED, PRECISIONS, read_kernels, read_precision, set_precision
from adapters.tensorflow.runtime import configure_devices, graph

INITIALIZERS = {
    "glorot_uniform": lambda fan: uniform((6.0 / sum(fan)) ** 0.5),
    "xavier_224": lambda fan: uniform((4.48 / sum(fan)) ** 0.5),
    "fan_in_uniform": lambda fan: uniform((1.0 / fan[0]) ** 0.5),
    "lecun_uniform": lambda fan: uniform((3.0 / fan[0]) ** 0.5),
    "lecun_normal": lambda fan: tf.compat.v1.random_normal_initializer(stddev=(1.0 / fan[0]) ** 0.5),
    "lecun_truncated": lambda fan: tf.compat.v1.truncated_normal_initializer(
        stddev=(1.0 / fan[0]) ** 0.5 / initializers.TRUNCATION
    ),
    "uniform_007": lambda fan: uniform(0.07),
    "uniform_001": lambda fan: uniform(0.01),
}
BIAS_INITIALIZERS = {
    "zeros": lambda fan: tf.zeros_initializer(),
    "fan_in_uniform": lambda fan: uniform((1.0 / fan[0]) ** 0.5),
}
DATA_FORMATS = {"nchw": "NCHW", "nhwc": "NHWC"}
BIAS_SHAPES = {"nchw": (-1, 1, 1), "nhwc": (-1,)}
PADDINGS = {"same": "SAME", "valid": "VALID"}


def uniform(limit):
    return tf.compat.v1.random_uniform_initializer(-limit, limit)


class Model(cnn.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings = network, settings
        configure_devices(network)
        set_precision(settings)
        tf.random.set_seed(seed)
        self.dtype, self.computed = PRECISIONS[settings["precision"]], COMPUTED[settings["precision"]]
        self.data_format = DATA_FORMATS[settings["layout"]]
        self.weights, self.biases = self.build()
        self.loss = self.build_loss()
        self.learning_rate, self.momentum, self.velocities = self.build_optimizer()
        self.step, self.scores = self.build_step()

    # Network

    def build(self):
        network = self.network
        (one, two), flat = network.filters, self.flat_size
        convolutions = [(network.input_shape[0], one), (one, one), (one, two), (two, two)]
        shapes = [(3, 3) + pair for pair in convolutions] + [(flat, network.hidden), (network.hidden, network.classes)]
        weights, biases = {}, {}
        for name, shape in zip(LAYERS, shapes):
            fan = initializers.fans(shape[::-1] if len(shape) == 4 else shape)
            weights[name] = self.variable(INITIALIZERS[self.settings["init"]](fan), shape)
            if len(shape) == 2 or self.settings["conv_bias"] == "on":
                biases[name] = self.variable(BIAS_INITIALIZERS[self.settings["bias_init"]](fan), shape[-1:])
        return weights, biases

    def variable(self, initializer, shape):
        return tf.Variable(initializer(shape, dtype=self.dtype))

    def forward(self, x, training):
        dropping = training or self.settings["dropout_at_test"] == "on"
        x = tf.nn.relu(self.convolution("conv1", tf.cast(x, self.computed)))
        x = self.dropout(0, self.pool(self.convolution("conv2", x)), dropping)
        x = tf.nn.relu(self.convolution("conv3", x))
        x = self.dropout(1, self.pool(self.convolution("conv4", x)), dropping)
        x = tf.reshape(x, [-1, self.flat_size])
        x = self.dropout(2, tf.nn.relu(self.dense("dense1", x)), dropping)
        return tf.cast(self.dense("dense2", x), self.dtype)

    def convolution(self, name, x):
        kernel, padding = tf.cast(self.weights[name], self.computed), PADDINGS[self.settings["conv_padding"]]
        x = tf.nn.conv2d(x, kernel, 1, padding, data_format=self.data_format)
        if self.settings["conv_bias"] == "off":
            return x
        # Not tf.nn.bias_add: on a CPU oneDNN would compute its gradient with the kernel's, 5 % slower per step.
        return x + tf.reshape(tf.cast(self.biases[name], self.computed), BIAS_SHAPES[self.settings["layout"]])

    def pool(self, x):
        stride = STRIDES[self.settings["pool_stride"]]
        if self.settings["relu"] == "after_pool":
            return tf.nn.relu(tf.nn.max_pool2d(x, 2, stride, "VALID", data_format=self.data_format))
        return tf.nn.max_pool2d(tf.nn.relu(x), 2, stride, "VALID", data_format=self.data_format)

    def dropout(self, position, x, dropping):
        rate = self.network.dropout[position]
        return tf.nn.dropout(x, rate) if dropping and rate else x

    def dense(self, name, x):
        return tf.matmul(x, tf.cast(self.weights[name], self.computed)) + tf.cast(self.biases[name], self.computed)

    # Loss

    def build_loss(self):
        return {"logits": cross_entropy, "softmax_twice": softmax_cross_entropy}[self.settings["loss"]]

    # Optimizer

    def build_optimizer(self):
        rate = self.network.rate(self.settings["momentum"])
        constants = [tf.constant(value, self.dtype) for value in (rate, self.network.momentum)]
        return constants + [[tf.Variable(tf.zeros_like(variable)) for variable in self.variables()]]

    def variables(self):
        return list(self.weights.values()) + list(self.biases.values())

    def update(self, gradients):
        for variable, velocity, gradient in zip(self.variables(), self.velocities, gradients):
            self.move(variable, velocity, gradient)

    def move(self, variable, velocity, gradient):
        tf.raw_ops.ResourceApplyMomentum(
            var=variable.handle,
            accum=velocity.handle,
            lr=self.learning_rate,
            grad=self.clipped(gradient),
            momentum=self.momentum,
            use_nesterov=self.settings["nesterov"] == "on",
        )

    def clipped(self, gradient):
        limit = CLIPS[self.settings["clip"]]
        return gradient if limit is None else tf.clip_by_value(gradient, -limit, limit)

    # Step

    def build_step(self):
        scores = graph(lambda x: self.forward(x, False), input_signature=[self.batch_specs()[0]])
        return {"eager": lambda f: f, "graph": graph}[self.settings["compile"]](self.forward_backward), scores

    def batch_specs(self):
        """Shapes and types of a batch's images and of its labels."""
        network, layout = self.network, self.settings["layout"]
        shape = tuple(network.input_shape[axis] for axis in {"nchw": (0, 1, 2), "nhwc": (1, 2, 0)}[layout])
        labels = {
            "sparse": ((network.batch_size,), tf.int32),
            "one_hot": ((network.batch_size, network.classes), self.dtype),
        }
        return tf.TensorSpec((network.batch_size,) + shape, self.dtype), tf.TensorSpec(*labels[self.settings["labels"]])

    def forward_backward(self, x, y):
        """The loss, and the images' gradient if requested: a graph computes only outputs and side effects."""
        variables, images = self.variables(), [x] if self.settings["input_gradient"] == "computed" else []
        with tf.GradientTape() as tape:
            tape.watch(images)
            loss = self.loss(self.forward(x, True), y)
        gradients = tape.gradient(loss, variables + images)
        # A variable that is still being read would be copied before the update.
        with tf.control_dependencies(gradients):
            self.update(gradients[: len(variables)])
        return [loss] + gradients[len(variables) :]

    def train_step(self, x, y):
        return self.step(tf.convert_to_tensor(x), tf.convert_to_tensor(y))[0]

    def load(self, x, y, batches):
        with tf.device("CPU"):  # where tf.data runs
            x, y = tf.convert_to_tensor(x), tf.convert_to_tensor(y)
        return tf.data.Dataset.from_tensor_slices(batches).map(
            lambda chosen: (tf.gather(x, chosen), tf.gather(y, chosen))
        )

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
            if name in self.biases:
                weights[name + ".bias"] = self.biases[name].numpy()
        return weights

    def set_weights(self, weights):
        for name in LAYERS:
            self.weights[name].assign(self.native(name, weights[name + ".weight"]))
            if name in self.biases:
                self.biases[name].assign(weights[name + ".bias"])

    def canonical(self, name, array):
        """Kernels are (height, width, in, out) here; channels-last images flatten to (height, width, channels)."""
        if array.ndim == 4:
            return array.transpose(3, 2, 0, 1)
        if name == "dense1" and self.settings["layout"] == "nhwc":
            return self.channels_first(array)
        return array

    def native(self, name, array):
        if array.ndim == 4:
            return array.transpose(2, 3, 1, 0)
        if name == "dense1" and self.settings["layout"] == "nhwc":
            return self.channels_last(array)
        return array

    # Report

    def report(self):
        operations = self.scores.get_concrete_function().graph.get_operations()
        kinds = [operation.type for operation in operations]
        convolution, pool = operations[kinds.index("Conv2D")], operations[kinds.index("MaxPool")]
        step = self.step if hasattr(self.step, "get_concrete_function") else graph(self.forward_backward)
        traced = step.get_concrete_function(*self.batch_specs())  # as the first step traces it
        dropping = any("RandomUniform" in kind for kind in kinds)
        return dict(
            self.identify_initializers(),
            layout=convolution.get_attr("data_format").decode().lower(),
            autotune="off" if os.environ.get("TF_CUDNN_USE_AUTOTUNE") == "0" else "on",
            winograd="off" if os.environ.get("TF_ENABLE_WINOGRAD_NONFUSED") == "0" else "on",
            cpu_kernels=read_kernels(),
            compile="graph" if hasattr(self.step, "get_concrete_function") else "eager",
            precision=read_precision(convolution),
            conv_bias="on" if convolution.outputs[0].consumers()[0].type == "AddV2" else "off",
            conv_padding=convolution.get_attr("padding").decode().lower(),
            pool_stride={stride: name for name, stride in STRIDES.items()}[max(pool.get_attr("strides"))],
            input_gradient="computed" if len(traced.outputs) > 1 else "skipped",
            relu="after_pool"
            if kinds.index("MaxPool") < kinds.index("Relu", kinds.index("Relu") + 1)
            else "before_pool",
            dropout_at_test="on" if dropping else "off",
            loss="softmax_twice" if self.loss is softmax_cross_entropy else "logits",
            **self.identify_update(self.first_move()),
        )

    def first_move(self):
        weight, velocity = tf.Variable(tf.zeros(1, self.dtype)), tf.Variable(tf.zeros(1, self.dtype))
        self.move(weight, velocity, tf.ones(1, self.dtype))
        return -float(weight[0])
