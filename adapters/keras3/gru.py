"""The GRU in Keras 3, on any of its back ends."""

import numpy as np

from adapters.keras3 import backends, losses
from adapters.keras3.backends import NUMBERS, keras
from adapters.networks import gru
from adapters.networks.gru import epsilon_of

layers = keras.layers

# The default initializers of Keras's layers.
OWN = {"init": "glorot_uniform", "bias_init": "zeros", "embedding_init": "uniform_005", "rnn_init": "glorot_orthogonal"}
RESETS = {"after": True, "before": False}
STEPS_BEFORE = {"one": 0, "two": 1}


def hard_sigmoid(x):
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)  # keras.activations.hard_sigmoid is x / 6 + 0.5 since Keras 3


GATES = {"sigmoid": keras.activations.sigmoid, "hard_sigmoid": hard_sigmoid}


class HatAdam(keras.optimizers.Adam):
    """Adam with epsilon added to the root of the bias-corrected second moment: for Keras, one that grows."""

    @property
    def epsilon(self):
        beta2, step = (keras.ops.cast(value, keras.config.floatx()) for value in (self.beta_2, self.iterations + 1))
        return self.hat * keras.ops.sqrt(1.0 - keras.ops.power(beta2, step))

    @epsilon.setter
    def epsilon(self, value):
        self.hat = value


OPTIMIZERS = {"plain": keras.optimizers.Adam, "hat": HatAdam}


class Model(gru.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings = network, settings
        self.backend = backends.configure(network, settings, seed)
        with self.backend.draws():
            self.scores, self.net = self.build()
        self.backend.compile(self.net, self.scores, self.build_loss(), self.build_optimizer())
        self.redraw(seed, OWN)

    # Network

    def build(self):
        network = self.network
        stack = [
            layers.Input((network.tokens,), dtype="int32"),
            layers.Embedding(network.vocabulary, network.embedding),
            self.recurrent(),
            layers.Dense(network.classes),
        ]
        return keras.Sequential(stack), keras.Sequential([*stack, losses.activation(self.settings, self.backend)])

    def recurrent(self):
        gate, after = GATES[self.settings["gates"]], RESETS[self.settings["reset"]]
        kernel = self.backend.kernels[self.settings["rnn_kernel"]]
        return layers.GRU(self.network.hidden, recurrent_activation=gate, reset_after=after, **kernel)

    # Loss

    def build_loss(self):
        return losses.cross_entropy(self.settings)

    # Optimizer

    def build_optimizer(self):
        network, (form, epsilon) = self.network, epsilon_of(self.settings["adam_epsilon"])
        constants = (network.learning_rate, network.beta1, network.beta2, epsilon)
        adam = OPTIMIZERS[form](*(NUMBERS[keras.config.floatx()](constant) for constant in constants))
        adam.iterations.assign(STEPS_BEFORE[self.settings["adam_count"]])
        if self.settings["embedding_gradient"] == "dense":
            self.backend.sum_gradients(adam)
        return adam

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
        embedding, gru, dense = self.net.layers[:3]
        kernel, recurrent, bias = gru.get_weights()
        weights = {"embedding.weight": embedding.get_weights()[0]}
        weights["gru.input_weight"], weights["gru.hidden_weight"] = swapped(kernel).T, swapped(recurrent).T
        weights.update(zip(("gru.input_bias", "gru.hidden_bias"), swapped(np.atleast_2d(bias))))
        weights["dense.weight"], weights["dense.bias"] = dense.get_weights()
        return weights

    def set_weights(self, weights):
        self.backend.settle(self.net)
        embedding, gru, dense = self.net.layers[:3]
        kernels = [swapped(weights[name].T) for name in ("gru.input_weight", "gru.hidden_weight")]
        biases = [weights[name] for name in ("gru.input_bias", "gru.hidden_bias") if name in weights]
        embedding.set_weights([weights["embedding.weight"]])
        gru.set_weights([*kernels, swapped(np.array(biases)).reshape(gru.cell.bias.shape)])
        dense.set_weights([weights["dense.weight"], weights["dense.bias"]])

    # Report

    def report(self):
        gru = self.net.layers[1]
        return dict(
            self.identify_initializers(),
            sequence_layout="ntc" if self.net.input_shape == (None, self.network.tokens) else "tnc",
            precision=self.backend.precision(gru),
            embedding_gradient=self.backend.embedding_gradient(self.build_optimizer()),
            rnn_kernel=self.backend.kernel(gru),
            reset="after" if gru.reset_after else "before",
            gates={function: name for name, function in GATES.items()}[gru.recurrent_activation],
            loss=losses.in_force(self.net),
            **self.backend.report(self.net),
            **self.identify_adam(self.first_move),
        )

    def first_move(self, gradient):
        weight = keras.Variable(np.zeros(1), dtype=keras.config.floatx())
        self.build_optimizer().apply([keras.ops.full((1,), gradient, keras.config.floatx())], [weight])
        return -float(keras.ops.convert_to_numpy(weight)[0])


def swapped(array):
    """From Keras's order of the gates (update, reset, candidate) to the canonical one, or back."""
    update, reset, candidate = np.split(array, 3, axis=-1)
    return np.concatenate([reset, update, candidate], axis=-1)
