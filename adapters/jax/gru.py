"""The GRU in JAX, with lax's loop, flax's initializers and optax: flax's GRUCell has no bias for the state."""

import jax
import numpy as np
import optax
from flax.nnx import initializers
from jax import lax
from jax import numpy as jnp

from adapters.jax.losses import cross_entropy, softmax_cross_entropy
from adapters.jax.precision import COMPUTED, PRECISIONS, read_precision, set_precision
from adapters.jax.runtime import configure_devices, quick_draws
from adapters.networks import gru
from adapters.networks.gru import epsilon_of

# The default initializers of flax's Embed, GRUCell and Linear.
OWN = {
    "init": "lecun_truncated",
    "bias_init": "zeros",
    "embedding_init": "normal_features",
    "rnn_init": "lecun_orthogonal",
}
GATES = {"sigmoid": jax.nn.sigmoid, "hard_sigmoid": lambda x: jnp.clip(0.2 * x + 0.5, 0.0, 1.0)}
TIME_AXES = {"tnc": 0, "ntc": 1}


class Model(gru.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings = network, settings
        configure_devices(network)
        set_precision(settings)
        self.dtype, self.computed = PRECISIONS[settings["precision"]], COMPUTED[settings["precision"]]
        self.gate, self.time_axis = GATES[settings["gates"]], TIME_AXES[settings["sequence_layout"]]
        with quick_draws():
            self.weights = self.build(jax.random.key(seed))
        self.loss = self.build_loss()
        self.optimizer = self.build_optimizer()
        self.moments = self.optimizer.init(self.weights)
        self.step, self.scores = self.build_step()
        self.redraw(seed, OWN)

    # Network

    def build(self, key):
        network, keys, dtype = self.network, jax.random.split(key, 4), self.dtype
        gates, zeros = 3 * network.hidden, initializers.zeros_init()
        embedding = initializers.variance_scaling(1.0, "fan_in", "normal", out_axis=0)
        weights = {
            "embedding.weight": embedding(keys[0], (network.vocabulary, network.embedding), dtype),
            "gru.input_weight": initializers.lecun_normal()(keys[1], (network.embedding, gates), dtype),
            "gru.hidden_weight": initializers.orthogonal()(keys[2], (network.hidden, gates), dtype),
            "gru.input_bias": zeros(None, (gates,), dtype),
            "dense.weight": initializers.lecun_normal()(keys[3], (network.hidden, network.classes), dtype),
            "dense.bias": zeros(None, (network.classes,), dtype),
        }
        if self.settings["reset"] == "after":
            weights["gru.hidden_bias"] = zeros(None, (gates,), dtype)
        return weights

    def forward(self, weights, x):
        vectors = jnp.moveaxis(weights["embedding.weight"][x], self.time_axis, 0).astype(self.computed)
        sums = vectors @ self.cast(weights, "gru.input_weight") + self.cast(weights, "gru.input_bias")
        start = jnp.zeros((sums.shape[1], self.network.hidden), sums.dtype)
        cell = {"after": self.reset_after, "before": self.reset_before}[self.settings["reset"]]
        # The weights are carried with the state: a function that closes over them would be recompiled at every step.
        (state, _), _ = lax.scan(cell, (start, weights), sums)
        return (state @ self.cast(weights, "dense.weight") + self.cast(weights, "dense.bias")).astype(self.dtype)

    def cast(self, weights, name):
        """Called inside the loop, so that the gradients of its steps add up in the weight's precision."""
        return weights[name].astype(self.computed)

    def reset_after(self, carried, sums):
        state, weights = carried
        products = state @ self.cast(weights, "gru.hidden_weight") + self.cast(weights, "gru.hidden_bias")
        (sum_r, sum_z, sum_n), (product_r, product_z, product_n) = jnp.split(sums, 3, -1), jnp.split(products, 3, -1)
        update = self.gate(sum_z + product_z)
        candidate = jnp.tanh(sum_n + self.gate(sum_r + product_r) * product_n)
        return ((1.0 - update) * candidate + update * state, weights), None

    def reset_before(self, carried, sums):
        state, weights = carried
        kernel_r, kernel_z, kernel_n = jnp.split(self.cast(weights, "gru.hidden_weight"), 3, -1)
        sum_r, sum_z, sum_n = jnp.split(sums, 3, -1)
        update = self.gate(sum_z + state @ kernel_z)
        candidate = jnp.tanh(sum_n + (self.gate(sum_r + state @ kernel_r) * state) @ kernel_n)
        return ((1.0 - update) * candidate + update * state, weights), None

    # Loss

    def build_loss(self):
        return {"logits": cross_entropy, "softmax_twice": softmax_cross_entropy}[self.settings["loss"]]

    # Optimizer

    def build_optimizer(self):
        network, (form, epsilon) = self.network, epsilon_of(self.settings["adam_epsilon"])
        adam = {"hat": optax.scale_by_adam, "plain": scale_by_plain_adam}[form]
        return optax.chain(
            adam(network.beta1, network.beta2, epsilon), optax.scale_by_learning_rate(network.learning_rate)
        )

    # Step

    def build_step(self):
        if self.settings["compile"] == "graph":
            return jax.jit(self.forward_backward, donate_argnums=(0, 1)), jax.jit(self.forward)
        return self.forward_backward, self.forward

    def forward_backward(self, weights, moments, x, y):
        loss, gradients = jax.value_and_grad(lambda weights: self.loss(self.forward(weights, x), y))(weights)
        updates, moments = self.optimizer.update(gradients, moments, weights)
        return optax.apply_updates(weights, updates), moments, loss

    def train_step(self, x, y):
        self.weights, self.moments, loss = self.step(self.weights, self.moments, x, y)
        return loss

    # Predict

    def predict(self, x):
        return np.asarray(self.scores(self.weights, x))

    def synchronize(self):
        jax.block_until_ready(self.weights)

    # Weights

    def get_weights(self):
        arrays = {name: np.array(array) for name, array in self.weights.items()}
        return {name: self.turned(name, array) for name, array in arrays.items()}

    def set_weights(self, weights):
        arrays = {name: self.turned(name, weights[name]) for name in self.weights}
        self.weights = {name: jnp.asarray(array, self.weights[name].dtype) for name, array in arrays.items()}

    @staticmethod
    def turned(name, array):
        """Canonical recurrent kernels are (out, in), here (in, out); the order of the gates is the same."""
        return array.T if name in ("gru.input_weight", "gru.hidden_weight") else array

    # Report

    def report(self):
        shape = (self.network.tokens, self.network.batch_size)
        words = jax.ShapeDtypeStruct(shape if self.time_axis == 0 else shape[::-1], jnp.int32)
        program = jax.make_jaxpr(self.forward)(self.weights, words)
        operations = [equation.primitive.name for equation in program.eqns]
        return dict(
            self.identify_initializers(),
            sequence_layout="tnc" if self.time_axis == 0 else "ntc",
            compile="graph" if hasattr(self.step, "lower") else "eager",
            precision=read_precision(program.eqns[operations.index("dot_general")]),
            embedding_gradient="dense",
            rnn_kernel="cell",
            reset="after" if "gru.hidden_bias" in self.weights else "before",
            gates={function: name for name, function in GATES.items()}[self.gate],
            loss="softmax_twice" if self.loss is softmax_cross_entropy else "logits",
            **self.identify_adam(self.first_move),
        )

    def first_move(self, gradient):
        weight = jnp.zeros(1)
        return -float(self.optimizer.update(jnp.full(1, gradient), self.optimizer.init(weight), weight)[0][0])


def scale_by_plain_adam(beta1, beta2, epsilon):
    """optax's moments; epsilon is added to the root of the uncorrected second moment."""
    moments = optax.scale_by_adam(beta1, beta2)

    def update(gradients, state, weights=None):
        _, state = moments.update(gradients, state, weights)
        scale = jnp.sqrt(1.0 - beta2**state.count) / (1.0 - beta1**state.count)
        return jax.tree.map(lambda mean, square: scale * mean / (jnp.sqrt(square) + epsilon), state.mu, state.nu), state

    return optax.GradientTransformation(moments.init, update)
