"""The GRU in NumPy: the function that every other adapter must compute."""

import numpy as np

from adapters.common import initializers
from adapters.networks import gru
from adapters.networks.gru import epsilon_of
from adapters.reference.layers import LOSSES

PRECISIONS = {"float32": np.float32, "float64": np.float64}
TIME_AXES = {"tnc": 0, "ntc": 1}


class Model(gru.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings = network, settings
        self.dtype = PRECISIONS[settings["precision"]]
        self.gate, self.gate_slope = GATES[settings["gates"]]
        self.time_axis = TIME_AXES[settings["sequence_layout"]]
        self.weights = self.build(seed)
        self.loss = self.build_loss()
        self.optimizer = self.build_optimizer()

    # Network

    def build(self, seed):
        network, gates = self.network, 3 * self.network.hidden
        shapes = [
            ("embedding.weight", (network.vocabulary, network.embedding)),
            ("gru.input_weight", (gates, network.embedding)),
            ("gru.hidden_weight", (gates, network.hidden)),
            ("gru.input_bias", (gates,)),
            ("gru.hidden_bias", (gates,)),
            ("dense.weight", (network.hidden, network.classes)),
            ("dense.bias", (network.classes,)),
        ]
        before = self.settings["reset"] == "before"
        zeros = {
            name: np.zeros(shape, self.dtype) for name, shape in shapes if not (before and name == "gru.hidden_bias")
        }
        return initializers.redrawn(zeros, {name: self.settings[name] for name in self.drawn}, seed, self.drawn)

    def forward(self, x):
        """Scores (batch, classes); stores what the backward pass needs. x: (tokens, batch)."""
        weights = self.weights
        self.words = x
        self.inputs = weights["embedding.weight"][x]
        sums = self.inputs @ weights["gru.input_weight"].T + weights["gru.input_bias"]
        self.cells = [Cell(self, np.zeros((x.shape[1], self.network.hidden), self.dtype), sums[0])]
        for step in sums[1:]:
            self.cells.append(Cell(self, self.cells[-1].output, step))
        return self.cells[-1].output @ weights["dense.weight"] + weights["dense.bias"]

    def backward(self, gradient):
        """{name: gradient of the loss}, from the gradient with respect to the scores."""
        weights = self.weights
        gradients = {name: np.zeros_like(array) for name, array in weights.items()}
        gradients["dense.weight"], gradients["dense.bias"] = self.cells[-1].output.T @ gradient, gradient.sum(0)
        state, sums = gradient @ weights["dense.weight"].T, []
        for cell in reversed(self.cells):
            step, state = cell.backward(state, gradients)
            sums.insert(0, step)
        sums = np.array(sums)
        gradients["gru.input_weight"] = np.tensordot(sums, self.inputs, ((0, 1), (0, 1)))
        gradients["gru.input_bias"] = sums.sum((0, 1))
        np.add.at(gradients["embedding.weight"], self.words, sums @ weights["gru.input_weight"])
        return gradients

    # Loss

    def build_loss(self):
        return LOSSES[self.settings["loss"]]

    def targets(self, y):
        one_hot = y if y.ndim == 2 else np.eye(self.network.classes)[y]
        return one_hot.astype(self.dtype)

    # Optimizer

    def build_optimizer(self):
        return Adam(self.network, self.settings["adam_epsilon"], self.settings["adam_count"])

    # Step

    def train_step(self, x, y):
        loss, gradient = self.loss(self.forward(self.time_first(x)), self.targets(y))
        self.weights = self.optimizer.update(self.weights, self.backward(gradient))
        return loss

    def time_first(self, x):
        return np.moveaxis(x, self.time_axis, 0)

    # Predict

    def predict(self, x):
        return self.forward(self.time_first(x))

    # Weights

    def get_weights(self):
        return dict(self.weights)

    def set_weights(self, weights):
        self.weights = {name: weights[name].astype(self.dtype) for name in self.weights}

    # Report

    def report(self):
        return dict(
            self.identify_initializers(),
            sequence_layout="tnc" if self.time_axis == 0 else "ntc",
            precision=str(self.weights["dense.weight"].dtype),
            embedding_gradient="dense",
            reset="after" if "gru.hidden_bias" in self.weights else "before",
            gates={pair: name for name, pair in GATES.items()}[self.gate, self.gate_slope],
            loss={function: name for name, function in LOSSES.items()}[self.loss],
            **self.identify_adam(self.first_move),
        )

    def first_move(self, gradient):
        weights = self.build_optimizer().update({"weight": np.zeros(1)}, {"weight": np.array([gradient])})
        return -weights["weight"][0]


class Cell(object):
    """One time step: gates, candidate, new state. Arrays are (batch, hidden); `sums` is (batch, 3 hidden)."""

    def __init__(self, net, state, sums):
        self.net, self.state = net, state
        self.after = "gru.hidden_bias" in net.weights
        self.kernel = net.weights["gru.hidden_weight"]
        size = state.shape[1]
        recurrent = state @ self.kernel[: 2 * size].T + (
            net.weights["gru.hidden_bias"][: 2 * size] if self.after else 0.0
        )
        self.reset, self.update = np.split(net.gate(sums[:, : 2 * size] + recurrent), 2, axis=1)
        if self.after:
            self.product = state @ self.kernel[2 * size :].T + net.weights["gru.hidden_bias"][2 * size :]
            candidate = self.reset * self.product
        else:
            candidate = (self.reset * state) @ self.kernel[2 * size :].T
        self.candidate = np.tanh(sums[:, 2 * size :] + candidate)
        self.output = (1.0 - self.update) * self.candidate + self.update * state

    def backward(self, gradient, gradients):
        """(gradient of the sums, gradient of the previous state); adds the other weights' gradients to `gradients`."""
        size = self.state.shape[1]
        candidate = gradient * (1.0 - self.update) * (1.0 - self.candidate**2)
        update = gradient * (self.state - self.candidate) * self.net.gate_slope(self.update)
        state = gradient * self.update
        if self.after:
            product = candidate * self.reset
            reset = candidate * self.product
            state = state + product @ self.kernel[2 * size :]
            gradients["gru.hidden_weight"][2 * size :] += product.T @ self.state
        else:
            product = candidate
            inner = candidate @ self.kernel[2 * size :]
            reset = inner * self.state
            state = state + inner * self.reset
            gradients["gru.hidden_weight"][2 * size :] += candidate.T @ (self.reset * self.state)
        gates = np.concatenate([reset * self.net.gate_slope(self.reset), update], axis=1)
        gradients["gru.hidden_weight"][: 2 * size] += gates.T @ self.state
        if self.after:
            gradients["gru.hidden_bias"] += np.concatenate([gates, product], axis=1).sum(0)
        return np.concatenate([gates, candidate], axis=1), state + gates @ self.kernel[: 2 * size]


class Adam(object):
    """Adam with epsilon added to the root of the second moment, bias-corrected ("hat") or not ("plain")."""

    def __init__(self, network, epsilon, count):
        self.network, self.mean, self.square = network, {}, {}
        self.form, self.epsilon = epsilon_of(epsilon)
        self.step = {"one": 0, "two": 1}[count]

    def update(self, weights, gradients):
        """The weights after a step."""
        self.step += 1
        return {name: self.moved(name, weight, gradients[name]) for name, weight in weights.items()}

    def moved(self, name, weight, gradient):
        network = self.network
        mean = self.mean[name] = network.beta1 * self.mean.get(name, 0.0) + (1.0 - network.beta1) * gradient
        square = self.square[name] = network.beta2 * self.square.get(name, 0.0) + (1.0 - network.beta2) * gradient**2
        corrected = (1.0 - network.beta2**self.step) ** 0.5
        if self.form == "hat":
            root = np.sqrt(square) / corrected + self.epsilon
        else:
            root = (np.sqrt(square) + self.epsilon) / corrected
        return weight - network.learning_rate * mean / (1.0 - network.beta1**self.step) / root


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def sigmoid_slope(gate):
    """The derivative, from the gate's value."""
    return gate * (1.0 - gate)


def hard_sigmoid(x):
    return np.clip(0.2 * x + 0.5, 0.0, 1.0)


def hard_sigmoid_slope(gate):
    return 0.2 * ((gate > 0.0) & (gate < 1.0))


GATES = {"sigmoid": (sigmoid, sigmoid_slope), "hard_sigmoid": (hard_sigmoid, hard_sigmoid_slope)}
