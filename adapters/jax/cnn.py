"""The CNN in JAX, with lax's operations, flax's initializers and optax."""

import os
from functools import partial

import jax
import numpy as np
import optax
from flax.nnx import initializers
from jax import lax
from jax import numpy as jnp

from adapters.jax.losses import cross_entropy, softmax_cross_entropy
from adapters.jax.precision import COMPUTED, PRECISIONS, read_precision, set_precision
from adapters.jax.runtime import configure_devices, quick_draws
from adapters.networks import cnn
from adapters.networks.cnn import CLIPS, LAYERS, STRIDES

INITIALIZERS = {
    "glorot_uniform": initializers.glorot_uniform(),
    "xavier_224": initializers.variance_scaling(2.24 / 3, "fan_avg", "uniform"),
    "fan_in_uniform": initializers.variance_scaling(1 / 3, "fan_in", "uniform"),
    "lecun_uniform": initializers.lecun_uniform(),
    "lecun_normal": initializers.variance_scaling(1.0, "fan_in", "normal"),
    "lecun_truncated": initializers.lecun_normal(),
    "uniform_007": partial(jax.random.uniform, minval=-0.07, maxval=0.07),
    "uniform_001": partial(jax.random.uniform, minval=-0.01, maxval=0.01),
}
BIAS_INITIALIZERS = {
    "zeros": lambda fan_in: initializers.zeros_init(),
    "fan_in_uniform": lambda fan_in: partial(jax.random.uniform, minval=-(fan_in**-0.5), maxval=fan_in**-0.5),
}
DIMENSIONS = {"nchw": ("NCHW", "HWIO", "NCHW"), "nhwc": ("NHWC", "HWIO", "NHWC")}
PADDINGS = {"same": "SAME", "valid": "VALID"}


class Model(cnn.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings = network, settings
        configure_devices(network)
        set_precision(settings)
        self.dtype, self.computed = PRECISIONS[settings["precision"]], COMPUTED[settings["precision"]]
        self.key, key = jax.random.split(jax.random.key(seed))
        with quick_draws():
            self.weights = self.build(key)
        self.loss = self.build_loss()
        self.optimizer = self.build_optimizer()
        self.velocities = self.optimizer.init(self.weights)
        self.step, self.scores = self.build_step()

    # Network

    def build(self, key):
        network = self.network
        (one, two), flat = network.filters, self.flat_size
        convolutions = [(network.input_shape[0], one), (one, one), (one, two), (two, two)]
        shapes = [(3, 3) + pair for pair in convolutions] + [(flat, network.hidden), (network.hidden, network.classes)]
        weights = {}
        for name, shape, layer_key in zip(LAYERS, shapes, jax.random.split(key, len(LAYERS))):
            kernel_key, bias_key = jax.random.split(layer_key)
            bias_initializer = BIAS_INITIALIZERS[self.settings["bias_init"]](int(np.prod(shape[:-1])))
            weights[name + ".weight"] = INITIALIZERS[self.settings["init"]](kernel_key, shape, self.dtype)
            if len(shape) == 2 or self.settings["conv_bias"] == "on":
                weights[name + ".bias"] = bias_initializer(bias_key, shape[-1:], self.dtype)
        return weights

    def forward(self, weights, x, key, training):
        keys = jax.random.split(key, 3) if training or self.settings["dropout_at_test"] == "on" else (None,) * 3
        weights = jax.tree.map(lambda weight: weight.astype(self.computed), weights)
        x = jax.nn.relu(self.convolution(weights, "conv1", jnp.asarray(x, self.computed)))
        x = self.dropout(0, self.pool(self.convolution(weights, "conv2", x)), keys[0])
        x = jax.nn.relu(self.convolution(weights, "conv3", x))
        x = self.dropout(1, self.pool(self.convolution(weights, "conv4", x)), keys[1])
        x = x.reshape(x.shape[0], -1)
        x = self.dropout(2, jax.nn.relu(self.dense(weights, "dense1", x)), keys[2])
        return self.dense(weights, "dense2", x).astype(self.dtype)

    def convolution(self, weights, name, x):
        layout, padding = self.settings["layout"], PADDINGS[self.settings["conv_padding"]]
        x = lax.conv_general_dilated(
            x, weights[name + ".weight"], (1, 1), padding, dimension_numbers=DIMENSIONS[layout]
        )
        if self.settings["conv_bias"] == "off":
            return x
        bias = weights[name + ".bias"]
        return x + {"nchw": bias[:, None, None], "nhwc": bias}[layout]

    def pool(self, x):
        window, strides = self.along_sides(2), self.along_sides(STRIDES[self.settings["pool_stride"]])
        if self.settings["relu"] == "after_pool":
            return jax.nn.relu(lax.reduce_window(x, -jnp.inf, lax.max, window, strides, "VALID"))
        return lax.reduce_window(jax.nn.relu(x), -jnp.inf, lax.max, window, strides, "VALID")

    def along_sides(self, pixels):
        """`pixels` along height and width, one along the other axes."""
        return {"nchw": (1, 1, pixels, pixels), "nhwc": (1, pixels, pixels, 1)}[self.settings["layout"]]

    def dropout(self, position, x, key):
        rate = self.network.dropout[position]
        if key is None or not rate:
            return x
        return jnp.where(jax.random.bernoulli(key, 1.0 - rate, x.shape), x / (1.0 - rate), 0.0)

    def dense(self, weights, name, x):
        return x @ weights[name + ".weight"] + weights[name + ".bias"]

    # Loss

    def build_loss(self):
        return {"logits": cross_entropy, "softmax_twice": softmax_cross_entropy}[self.settings["loss"]]

    # Optimizer

    def build_optimizer(self):
        rate = self.network.rate(self.settings["momentum"])
        sgd = optax.sgd(rate, self.network.momentum, self.settings["nesterov"] == "on")
        limit = CLIPS[self.settings["clip"]]
        return sgd if limit is None else optax.chain(optax.clip(limit), sgd)

    # Step

    def build_step(self):
        if self.settings["compile"] == "graph":
            return jax.jit(self.forward_backward, donate_argnums=(0, 1, 2)), jax.jit(self.forward_test)
        return self.forward_backward, self.forward_test

    def forward_backward(self, weights, velocities, key, x, y):
        """The images' gradient is the last output if requested: a compiled step computes only its outputs."""
        key, now = jax.random.split(key)
        wanted = {"skipped": (0,), "computed": (0, 1)}[self.settings["input_gradient"]]
        loss_of = jax.value_and_grad(lambda weights, x: self.loss(self.forward(weights, x, now, True), y), wanted)
        loss, (gradients, *images) = loss_of(weights, x)
        updates, velocities = self.optimizer.update(gradients, velocities, weights)
        return optax.apply_updates(weights, updates), velocities, key, loss, images

    def train_step(self, x, y):
        self.weights, self.velocities, self.key, loss, _ = self.step(self.weights, self.velocities, self.key, x, y)
        return loss

    # Predict

    def forward_test(self, weights, key, x):
        key, now = jax.random.split(key)
        return self.forward(weights, x, now, False), key

    def predict(self, x):
        scores, self.key = self.scores(self.weights, self.key, x)
        return np.asarray(scores)

    def synchronize(self):
        jax.block_until_ready(self.weights)

    # Weights

    def get_weights(self):
        return {name: self.canonical(name, np.array(array)) for name, array in self.weights.items()}

    def set_weights(self, weights):
        self.weights = {
            name: jnp.asarray(self.native(name, weights[name]), old.dtype) for name, old in self.weights.items()
        }

    def canonical(self, name, array):
        if array.ndim == 4:
            return array.transpose(3, 2, 0, 1)
        if name == "dense1.weight" and self.settings["layout"] == "nhwc":
            return self.channels_first(array)
        return array

    def native(self, name, array):
        if array.ndim == 4:
            return array.transpose(2, 3, 1, 0)
        if name == "dense1.weight" and self.settings["layout"] == "nhwc":
            return self.channels_last(array)
        return array

    # Report

    def report(self):
        x, y = self.batch_shapes()
        program = jax.make_jaxpr(self.forward_test)(self.weights, self.key, x)
        *_, images = jax.eval_shape(self.step, self.weights, self.velocities, self.key, x, y)
        operations = [equation.params.get("name", equation.primitive.name) for equation in program.eqns]
        convolution, pool = (
            program.eqns[operations.index(name)] for name in ("conv_general_dilated", "reduce_window_max")
        )
        # ReLU defines its own derivative.
        relus = [place for place, name in enumerate(operations) if name == "custom_jvp_call"]
        return dict(
            self.identify_initializers(),
            layout="nchw" if convolution.params["dimension_numbers"].lhs_spec == (0, 1, 2, 3) else "nhwc",
            autotune="off" if "autotune_level=0" in os.environ.get("XLA_FLAGS", "") else "on",
            winograd="off" if os.environ.get("TF_ENABLE_WINOGRAD_NONFUSED") == "0" else "on",
            compile="graph" if hasattr(self.step, "lower") else "eager",
            precision=read_precision(convolution),
            conv_bias="on" if "conv1.bias" in self.weights else "off",
            conv_padding="same" if convolution.params["padding"] == ((1, 1), (1, 1)) else "valid",
            pool_stride={stride: name for name, stride in STRIDES.items()}[max(pool.params["window_strides"])],
            input_gradient="computed" if images else "skipped",
            relu="after_pool" if operations.index("reduce_window_max") < relus[1] else "before_pool",
            dropout_at_test="on" if any("bernoulli" in name for name in operations) else "off",
            loss="softmax_twice" if self.loss is softmax_cross_entropy else "logits",
            **self.identify_update(self.first_move()),
        )

    def batch_shapes(self):
        """Shapes and types of a batch's images and of its labels."""
        network = self.network
        shape = tuple(
            network.input_shape[axis] for axis in {"nchw": (0, 1, 2), "nhwc": (1, 2, 0)}[self.settings["layout"]]
        )
        labels = {
            "sparse": ((network.batch_size,), jnp.int32),
            "one_hot": ((network.batch_size, network.classes), self.dtype),
        }
        images = jax.ShapeDtypeStruct((network.batch_size,) + shape, self.dtype)
        return images, jax.ShapeDtypeStruct(*labels[self.settings["labels"]])

    def first_move(self):
        weight = jnp.zeros(1)
        return -float(self.optimizer.update(jnp.ones(1), self.optimizer.init(weight), weight)[0][0])
