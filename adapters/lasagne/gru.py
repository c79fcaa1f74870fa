"""The GRU in Lasagne, on Theano."""

import lasagne
import numpy as np
import theano
from lasagne import init
from lasagne import layers as L
from lasagne.nonlinearities import identity, sigmoid, tanh
from theano import tensor as T
from theano.scan_module.scan_op import Scan

from adapters.lasagne import device
from adapters.lasagne.losses import LOSSES
from adapters.networks import gru
from adapters.networks.gru import epsilon_of

# The default initializers of Lasagne's layers.
OWN = {"init": "glorot_uniform", "bias_init": "zeros", "embedding_init": "normal_001", "rnn_init": "normal_01"}
GATES = {"sigmoid": sigmoid, "hard_sigmoid": T.nnet.hard_sigmoid}
# Lasagne's names of the gates in the canonical order, and the sign of their weights: its update gate weights the
# candidate, the canonical one weights the state, and sigmoid(-x) = 1 - sigmoid(x).
SIGNS = (("resetgate", 1), ("updategate", -1), ("hidden_update", 1))
# {canonical name: Lasagne's name of the part for one gate}.
PARTS = {"input_weight": "W_in_to_", "hidden_weight": "W_hid_to_", "input_bias": "b_", "hidden_bias": "hidden_b_"}


class Model(gru.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings = network, settings
        theano.config.floatX = settings["precision"]
        device.use(network.device)
        lasagne.random.set_rng(np.random.RandomState(seed))
        self.x, self.y = self.inputs()
        self.net = self.build()
        self.loss = self.build_loss()
        self.step = self.build_step()
        self.scores = theano.function([self.x], L.get_output(self.net))
        self.redraw(seed, OWN)

    # Network

    def inputs(self):
        return T.imatrix(), {"sparse": T.ivector, "one_hot": T.matrix}[self.settings["labels"]]()

    def build(self):
        network = self.network
        net = self.examples_first()
        self.embedding = L.EmbeddingLayer(net, network.vocabulary, network.embedding)
        self.gru = GRU(self.embedding, network.hidden, self.settings["reset"], GATES[self.settings["gates"]])
        self.dense = L.DenseLayer(L.SliceLayer(self.gru, -1, 1), network.classes, nonlinearity=identity)
        return self.dense

    def examples_first(self):
        """Lasagne's recurrent layers take examples before time steps."""
        network = self.network
        if self.settings["sequence_layout"] == "ntc":
            return L.InputLayer((network.batch_size, network.tokens), self.x)
        return L.DimshuffleLayer(L.InputLayer((network.tokens, network.batch_size), self.x), (1, 0))

    # Loss

    def build_loss(self):
        return LOSSES[self.settings["loss"]]

    # Optimizer

    def build_updates(self, gradients, parameters):
        """{variable: its value after a step}."""
        network, (form, epsilon) = self.network, epsilon_of(self.settings["adam_epsilon"])
        steps = theano.shared(np.zeros((), theano.config.floatX))
        if form == "hat":  # in Lasagne's Adam, an epsilon that grows
            epsilon = epsilon * T.sqrt(1.0 - network.beta2 ** (steps + 1))
        updates = lasagne.updates.adam(
            gradients, parameters, network.learning_rate, network.beta1, network.beta2, epsilon
        )
        if form == "hat":
            updates[steps] = steps + 1
        return updates

    # Step

    def build_step(self):
        parameters = L.get_all_params(self.net, trainable=True)
        loss = self.loss(L.get_output(self.net), self.y).mean()
        self.gradients = dict(zip(parameters, theano.grad(loss, parameters)))
        updates = self.build_updates(list(self.gradients.values()), parameters)
        return theano.function([self.x, self.y], device.left_on(self.network.device, loss), updates=updates)

    def train_step(self, x, y):
        return self.step(x, y)

    def fetch(self, loss):
        return float(np.asarray(loss))

    # Predict

    def predict(self, x):
        return self.scores(x)

    def synchronize(self):
        device.wait_for(self.network.device, L.get_all_params(self.net))

    # Weights

    def whole(self):
        """{canonical name: parameter} of the weights that Lasagne has as one parameter."""
        return {"embedding.weight": self.embedding.W, "dense.weight": self.dense.W, "dense.bias": self.dense.b}

    def stacked(self):
        """{canonical name: [(parameter, sign)], one for each gate} of the other weights."""
        names = {"gru." + name: part for name, part in PARTS.items() if hasattr(self.gru, part + "resetgate")}
        return {name: [(getattr(self.gru, part + gate), sign) for gate, sign in SIGNS] for name, part in names.items()}

    def get_weights(self):
        weights = {name: parameter.get_value() for name, parameter in self.whole().items()}
        for name, parts in self.stacked().items():
            weights[name] = np.concatenate([sign * parameter.get_value().T for parameter, sign in parts])
        return weights

    def set_weights(self, weights):
        for name, parameter in self.whole().items():
            parameter.set_value(weights[name].astype(parameter.dtype))
        for name, parts in self.stacked().items():
            for part, (parameter, sign) in zip(np.split(weights[name], len(parts)), parts):
                parameter.set_value(np.ascontiguousarray(sign * part.T, dtype=parameter.dtype))

    # Report

    def report(self):
        layers = L.get_all_layers(self.net)
        operations = [node.op for node in self.scores.maker.fgraph.toposort()]
        return dict(
            self.identify_initializers(),
            sequence_layout="tnc" if any(isinstance(layer, L.DimshuffleLayer) for layer in layers) else "ntc",
            compile="graph" if isinstance(self.step, theano.compile.Function) else "eager",
            precision=self.dense.W.dtype,
            embedding_gradient="dense" if isinstance(self.gradients[self.embedding.W].type, T.TensorType) else "sparse",
            rnn_kernel="cell" if any(isinstance(operation, Scan) for operation in operations) else "fused",
            reset="after" if "gru.hidden_bias" in self.stacked() else "before",
            gates={function: name for name, function in GATES.items()}[self.gru.nonlinearity_resetgate],
            loss={function: name for name, function in LOSSES.items()}[self.loss],
            **self.identify_adam(self.first_move),
        )

    def first_move(self, gradient):
        weight = theano.shared(np.zeros(1, theano.config.floatX))
        updates = self.build_updates([gradient * T.ones_like(weight)], [weight])
        moved = theano.function([], updates[weight], mode="FAST_COMPILE")()  # compiles no operations
        return -float(np.asarray(moved)[0])


class GRU(L.GRULayer):
    """Lasagne's layer with an initial state of zeros that is not trained.

    Lasagne resets after the multiplication, without a bias for the state: here it has one, or it resets before.
    """

    def __init__(self, incoming, units, reset, gate):
        gates = [L.Gate(W_cell=None, nonlinearity=nonlinearity) for nonlinearity in (gate, gate, tanh)]
        super(GRU, self).__init__(incoming, units, *gates, learn_init=False)
        self.after = reset == "after"
        if self.after:
            for name, _ in SIGNS:
                bias = self.add_param(init.Constant(0.0), (units,), name="hidden_b_" + name, regularizable=False)
                setattr(self, "hidden_b_" + name, bias)

    def get_output_for(self, inputs, **options):
        x = inputs[0].dimshuffle(1, 0, 2)
        sums = T.dot(x, self.stacked("W_in_to_")) + self.stacked("b_")
        if self.after:
            step, fixed = self.reset_after, [self.stacked("W_hid_to_"), self.stacked("hidden_b_")]
        else:
            kernel, units = self.stacked("W_hid_to_"), self.num_units
            step, fixed = self.reset_before, [kernel[:, : 2 * units], kernel[:, 2 * units :]]
        first = T.zeros((x.shape[1], self.num_units))
        states, _ = theano.scan(step, sequences=sums, outputs_info=first, non_sequences=fixed, strict=True)
        return states.dimshuffle(1, 0, 2)

    def stacked(self, prefix):
        return T.concatenate([getattr(self, prefix + gate) for gate, _ in SIGNS], axis=-1)

    def split(self, sums):
        return [sums[:, part * self.num_units : (part + 1) * self.num_units] for part in range(3)]

    def reset_after(self, sums, state, kernel, bias):
        inputs, products = self.split(sums), self.split(T.dot(state, kernel) + bias)
        reset = self.nonlinearity_resetgate(inputs[0] + products[0])
        update = self.nonlinearity_updategate(inputs[1] + products[1])
        candidate = self.nonlinearity_hid(inputs[2] + reset * products[2])
        return (1 - update) * state + update * candidate

    def reset_before(self, sums, state, to_gates, to_candidate):
        inputs, products = self.split(sums), self.split(T.dot(state, to_gates))
        reset = self.nonlinearity_resetgate(inputs[0] + products[0])
        update = self.nonlinearity_updategate(inputs[1] + products[1])
        candidate = self.nonlinearity_hid(inputs[2] + T.dot(reset * state, to_candidate))
        return (1 - update) * state + update * candidate
