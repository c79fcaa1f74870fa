"""The GRU in CNTK."""

import cntk as C
import numpy as np
from cntk import layers

from adapters.networks import gru
from adapters.networks.gru import epsilon_of

# The default initializers of CNTK's layers; the cell adds its own.
OWN = {"init": "glorot_uniform", "bias_init": "zeros", "embedding_init": "glorot_uniform"}
PRECISIONS = {"float32": np.float32, "float64": np.float64}


class Model(gru.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings = network, settings
        C.try_set_default_device(C.gpu(0) if network.device == "cuda" else C.cpu())
        C.cntk_py.set_max_num_cputhreads(max(2, network.threads))  # with one thread CNTK 2.7 crashes with SIGFPE
        C.cntk_py.set_fixed_random_seed(seed + 1)
        self.dtype = PRECISIONS[settings["precision"]]
        with C.default_options(dtype=self.dtype):
            self.x, self.y, labels = self.inputs()
            self.net = self.build()
            self.loss = self.build_loss(labels)
            self.trainer = C.Trainer(self.net, (self.loss, None), [self.build_optimizer(self.net.parameters)])
        self.redraw(seed, dict(OWN, rnn_init=self.gru.rnn_init))

    # Network

    def inputs(self):
        """(sequences of word indices, labels as given, labels as one-hot rows)."""
        x = C.sequence.input_variable(1, dtype=self.dtype)
        if self.settings["labels"] == "one_hot":
            y = C.input_variable(self.network.classes, dtype=self.dtype)
            return x, y, y
        y = C.input_variable((), dtype=self.dtype)
        return x, y, C.one_hot(y, self.network.classes)

    def build(self):
        network = self.network
        # Rows gathered by index: CNTK's Adam does not support the sparse gradient of a one-hot input on a CPU.
        self.embedding = C.parameter((network.vocabulary, network.embedding), init=C.glorot_uniform(), dtype=self.dtype)
        vectors = C.reshape(C.gather(self.embedding, self.x), (network.embedding,))
        self.gru = {"after": ResetAfter, "before": ResetBefore}[self.settings["reset"]](network, self.dtype)
        self.dense = layers.Dense(network.classes)
        return self.dense(C.sequence.last(layers.Recurrence(self.gru.step)(vectors)))

    # Loss

    def build_loss(self, labels):
        # The framework's cross-entropy applies softmax itself.
        scores = {"logits": self.net, "softmax_twice": C.softmax(self.net)}[self.settings["loss"]]
        return C.cross_entropy_with_softmax(scores, labels)

    # Optimizer

    def build_optimizer(self, parameters):
        network = self.network
        return C.adam(
            parameters,
            lr=C.learning_parameter_schedule(network.learning_rate),
            momentum=C.momentum_schedule(network.beta1),
            unit_gain=True,
            variance_momentum=C.momentum_schedule(network.beta2),
            epsilon=epsilon_of(self.settings["adam_epsilon"])[1],
            use_mean_gradient=True,  # otherwise Adam divides the learning rate by the batch size
        )

    # Step

    def train_step(self, x, y):
        self.trainer.train_minibatch({self.x: self.words(x), self.y: y.astype(self.dtype, copy=False)})
        return self.trainer.previous_minibatch_loss_average

    def words(self, x):
        return x[:, :, None].astype(self.dtype)

    # Predict

    def predict(self, x):
        return self.net.eval({self.x: self.words(x)})

    # Weights

    def get_weights(self):
        weights = {
            "embedding.weight": self.embedding.value,
            "dense.weight": self.dense.W.value,
            "dense.bias": self.dense.b.value,
        }
        return dict(weights, **self.gru.get_weights())

    def set_weights(self, weights):
        weights = {name: np.asarray(array, self.dtype) for name, array in weights.items()}
        self.embedding.value = weights["embedding.weight"]
        self.dense.W.value, self.dense.b.value = weights["dense.weight"], weights["dense.bias"]
        self.gru.set_weights(weights)

    # Report

    def report(self):
        operations = C.logging.graph.depth_first_search(self.loss, lambda node: hasattr(node, "op_name"))
        kinds = [node.op_name for node in operations]
        return dict(
            self.identify_initializers(),
            sequence_layout="ntc" if self.x.dynamic_axes[0] == C.Axis.default_batch_axis() else "tnc",
            compile="graph" if isinstance(self.net, C.Function) else "eager",
            precision=np.dtype(self.embedding.dtype).name,
            embedding_gradient="dense" if "Gather" in kinds else "sparse",
            rnn_kernel="fused" if "OptimizedRNNStack" in kinds else "cell",
            reset="after" if "gru.hidden_bias" in self.gru.get_weights() else "before",
            gates="hard_sigmoid" if "HardSigmoid" in kinds else "sigmoid",
            loss="softmax_twice" if "Softmax" in kinds else "logits",
            **self.identify_adam(self.first_move),
        )

    def first_move(self, gradient):
        weight = C.parameter((1,), init=0, dtype=np.float64)
        step = C.NDArrayView.from_dense(np.full(1, gradient, np.float64))
        self.build_optimizer([weight]).update({weight: step}, 1)
        return -float(weight.value[0])


class ResetBefore(object):
    """CNTK's own cell. Its gates are in the order update, reset, candidate."""

    rnn_init = "glorot_split"

    def __init__(self, network, dtype):
        self.size, self.step = network.hidden, layers.GRU(network.hidden)
        self.parameters = {parameter.name: parameter for parameter in self.step.parameters}

    def get_weights(self):
        arrays = {name: parameter.value for name, parameter in self.parameters.items()}
        hidden = np.concatenate([self.swapped(arrays["H"]), arrays["H1"]], axis=-1)
        return {
            "gru.input_weight": self.swapped(arrays["W"]).T,
            "gru.hidden_weight": hidden.T,
            "gru.input_bias": self.swapped(arrays["b"]),
        }

    def set_weights(self, weights):
        hidden, gates = weights["gru.hidden_weight"].T, 2 * self.size
        arrays = {
            "W": self.swapped(weights["gru.input_weight"].T),
            "b": self.swapped(weights["gru.input_bias"]),
            "H": self.swapped(hidden[:, :gates]),
            "H1": hidden[:, gates:],
        }
        for name, array in arrays.items():
            self.parameters[name].value = np.ascontiguousarray(array)

    def swapped(self, array):
        """The first two gates exchanged, along the last axis."""
        first, second, rest = np.split(array, [self.size, 2 * self.size], axis=-1)
        return np.concatenate([second, first, rest], axis=-1)


class ResetAfter(object):
    """The cell of cuDNN and of the other frameworks, in CNTK's operations: CNTK's layer does not have it."""

    rnn_init = "glorot_uniform"

    def __init__(self, network, dtype):
        gates = 3 * network.hidden
        self.parameters = {
            "gru.input_weight": C.parameter((network.embedding, gates), init=C.glorot_uniform(), dtype=dtype),
            "gru.hidden_weight": C.parameter((network.hidden, gates), init=C.glorot_uniform(), dtype=dtype),
            "gru.input_bias": C.parameter((gates,), init=0, dtype=dtype),
            "gru.hidden_bias": C.parameter((gates,), init=0, dtype=dtype),
        }
        self.step = self.cell(network.hidden)

    def cell(self, size):
        weights = self.parameters

        @C.Function
        def step(state, x):
            sums = C.times(x, weights["gru.input_weight"]) + weights["gru.input_bias"]
            products = C.times(state, weights["gru.hidden_weight"]) + weights["gru.hidden_bias"]
            both = C.sigmoid(sums[: 2 * size] + products[: 2 * size])
            reset, update = both[:size], both[size : 2 * size]
            candidate = C.tanh(sums[2 * size : 3 * size] + reset * products[2 * size : 3 * size])
            return (1 - update) * candidate + update * state

        return step

    def get_weights(self):
        arrays = {name: parameter.value for name, parameter in self.parameters.items()}
        return {name: array.T if array.ndim == 2 else array for name, array in arrays.items()}

    def set_weights(self, weights):
        for name, parameter in self.parameters.items():
            array = weights[name]
            parameter.value = np.ascontiguousarray(array.T if array.ndim == 2 else array)
