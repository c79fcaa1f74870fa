"""The GRU in Keras 2.3, on each of its back ends."""

import numpy as np

from adapters.keras2.backends import BACKEND, keras, start
from adapters.networks import gru
from adapters.networks.gru import epsilon_of

K = keras.backend

# The default initializers of Keras's layers.
OWN = {"init": "glorot_uniform", "bias_init": "zeros", "embedding_init": "uniform_005", "rnn_init": "glorot_orthogonal"}
LOSSES = {"sparse": keras.losses.SparseCategoricalCrossentropy, "one_hot": keras.losses.CategoricalCrossentropy}
RESETS = {"after": True, "before": False}
STEPS_BEFORE = {"one": 0, "two": 1, "unordered": 0}


class Model(gru.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings = network, settings
        start(network, settings, seed)
        self.x, self.y = self.inputs()
        self.layers = self.build()
        self.loss = self.build_loss(self.forward(self.x))
        self.updates = self.build_updates(self.loss, self.variables())
        self.step = K.function([self.x, self.y], [self.loss], updates=self.updates)
        self.scores = K.function([self.x], [self.forward(self.x)])
        self.redraw(seed, OWN)

    # Network

    def inputs(self):
        columns = {"sparse": 1, "one_hot": self.network.classes}[self.settings["labels"]]
        return keras.layers.Input((self.network.tokens,)), keras.layers.Input((columns,))

    def build(self):
        network = self.network
        embedding = keras.layers.Embedding(network.vocabulary, network.embedding)
        return [embedding, self.recurrent(), keras.layers.Dense(network.classes)]

    def recurrent(self):
        if self.settings["rnn_kernel"] == "fused":
            return keras.layers.CuDNNGRU(self.network.hidden)
        gates, after = self.settings["gates"], RESETS[self.settings["reset"]]
        return keras.layers.GRU(self.network.hidden, recurrent_activation=gates, reset_after=after)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    # Loss

    def build_loss(self, scores):
        given = self.settings["loss"]
        self.probabilities = keras.layers.Activation(softmax)(scores)
        self.cross_entropy = LOSSES[self.settings["labels"]](from_logits=given != "probabilities")
        return K.mean(self.cross_entropy.call(self.y, scores if given == "logits" else self.probabilities))

    # Optimizer

    def build_optimizer(self):
        network, (form, epsilon) = self.network, epsilon_of(self.settings["adam_epsilon"])
        adam = keras.optimizers.Adam(network.learning_rate, network.beta1, network.beta2, epsilon=epsilon)
        adam.iterations = BACKEND.counter(STEPS_BEFORE[self.settings["adam_count"]])
        if form == "hat":  # Keras adds epsilon to the root of the uncorrected second moment: an epsilon that grows
            adam.epsilon = epsilon * K.sqrt(1.0 - K.pow(adam.beta_2, K.cast(adam.iterations, K.floatx()) + 1))
        return adam

    def variables(self):
        return [variable for layer in self.layers for variable in layer.weights]

    # Step

    def build_updates(self, loss, variables):
        updates = self.build_optimizer().get_updates(loss, variables)
        if self.settings["adam_count"] != "unordered":
            BACKEND.order(updates)
        return updates

    def train_step(self, x, y):
        return self.step([x, y if y.ndim == 2 else y[:, None]])[0]

    # Predict

    def predict(self, x):
        return self.scores([x])[0]

    def synchronize(self):
        K.get_value(self.layers[-1].bias)

    # Weights

    def get_weights(self):
        (embedding,), (kernel, recurrent, bias), (weight, dense_bias) = (layer.get_weights() for layer in self.layers)
        weights = {"embedding.weight": embedding, "dense.weight": weight, "dense.bias": dense_bias}
        weights["gru.input_weight"], weights["gru.hidden_weight"] = swapped(kernel).T, swapped(recurrent).T
        names = ("gru.input_bias", "gru.hidden_bias")
        weights.update(zip(names, swapped(bias.reshape(-1, 3 * self.network.hidden))))
        return weights

    def set_weights(self, weights):
        embedding, gru, dense = self.layers
        biases = [weights[name] for name in ("gru.input_bias", "gru.hidden_bias") if name in weights]
        kernels = [swapped(weights[name].T) for name in ("gru.input_weight", "gru.hidden_weight")]
        embedding.set_weights([weights["embedding.weight"]])
        gru.set_weights(kernels + [swapped(np.array(biases)).reshape(K.int_shape(gru.weights[2]))])
        dense.set_weights([weights["dense.weight"], weights["dense.bias"]])

    # Report

    def report(self):
        gru = self.layers[1]
        fused = isinstance(gru, keras.layers.CuDNNGRU)
        settings = dict(
            self.identify_initializers(),
            sequence_layout="ntc" if K.int_shape(self.x) == (None, self.network.tokens) else "tnc",
            compile="graph" if K.is_placeholder(self.x) else "eager",
            precision=K.dtype(gru.weights[0]),
            embedding_gradient="dense",
            rnn_kernel="fused" if fused else "cell",
            reset="after" if "gru.hidden_bias" in self.get_weights() else "before",
            gates="sigmoid" if fused else gru.recurrent_activation.__name__,
            loss=self.read_loss(),
            **BACKEND.report(),
            **self.identify_adam(self.first_moves((1.0, 1e-8)).get),
        )
        return settings if BACKEND.ordered(self.updates) else dict(settings, adam_count="unordered")

    def read_loss(self):
        if not BACKEND.depends(self.loss, self.probabilities):
            return "logits"
        return "softmax_twice" if self.cross_entropy.get_config()["from_logits"] else "probabilities"

    def first_moves(self, gradients):
        """{gradient: how far the optimizer's first step moves a weight down it}, all in one step."""
        weight, given = K.variable(np.zeros(len(gradients))), keras.layers.Input((len(gradients),))
        loss = K.sum(given * weight)
        K.function([given], [loss], updates=self.build_updates(loss, [weight]))(
            [np.array([gradients], self.settings["precision"])]
        )
        return dict(zip(gradients, -K.get_value(weight)))


def swapped(array):
    """From Keras's order of the gates (update, reset, candidate) to the canonical one, or back."""
    update, reset, candidate = np.split(array, 3, axis=-1)
    return np.concatenate([reset, update, candidate], axis=-1)


def softmax(scores):
    """Softmax followed by an identity: from a bare softmax the TensorFlow back end's loss would take the scores."""
    return K.identity(K.softmax(scores))
