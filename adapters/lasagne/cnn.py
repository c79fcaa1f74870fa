"""The CNN in Lasagne, on Theano."""
import lasagne
import numpy as np
import theano
from lasagne import init
from lasagne import layers as L
from lasagne.nonlinearities import identity, rectify
from theano import tensor as T
from theano.sandbox.rng_mrg import mrg_uniform_base

from adapters import laws, model
from adapters.lasagne import device
from adapters.lasagne.losses import LOSSES
from adapters.model import LAYERS


def truncated_normal(shape):
    """Lasagne has no truncated normal, but takes any function of a shape."""
    law = laws.KERNEL_LAWS["lecun_truncated"]
    return laws.draw(lasagne.random.get_rng(), law, shape, laws.fans(shape)).astype(theano.config.floatX)


# Lasagne's He has deviation gain / sqrt(fan_in).
INITIALIZERS = {
    "glorot_uniform": init.GlorotUniform(),
    "xavier_224": init.GlorotUniform(gain=(2.24 / 3) ** 0.5),
    "fan_in_uniform": init.HeUniform(gain=3**-0.5),
    "lecun_uniform": init.HeUniform(),
    "lecun_normal": init.HeNormal(),
    "lecun_truncated": truncated_normal,
    "uniform_007": init.Uniform(0.07),
    "uniform_001": init.Uniform(0.01),
}
BIAS_INITIALIZERS = {
    "zeros": lambda fan_in: init.Constant(0.0),
    "fan_in_uniform": lambda fan_in: init.Uniform(fan_in**-0.5),
}
# What a convolution before a pooling applies itself, and what comes after the pooling.
ORDERS = {"before_pool": (rectify, identity), "after_pool": (identity, rectify)}
# cuDNN's algorithms: forward, gradient of the kernel, gradient of the pictures.
ALGORITHMS = {"off": ("small", "none", "none"), "on": ("time_once", "time_once", "time_once")}


class Model(model.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings = network, settings
        theano.config.floatX = settings["precision"]
        conv = theano.config.dnn.conv
        conv.algo_fwd, conv.algo_bwd_filter, conv.algo_bwd_data = ALGORITHMS[settings["autotune"]]
        device.use(network.device)
        lasagne.random.set_rng(np.random.RandomState(seed))
        self.x, self.y = self.inputs()
        self.net = self.build()
        self.layers = [layer for layer in L.get_all_layers(self.net) if isinstance(layer, (L.Conv2DLayer, L.DenseLayer))]
        self.loss = self.build_loss()
        self.step = self.build_step()
        self.scores = self.build_scores()

    # Network

    def inputs(self):
        return T.tensor4(), {"sparse": T.ivector, "one_hot": T.matrix}[self.settings["labels"]]()

    def build(self):
        network = self.network
        net = L.InputLayer((network.batch_size,) + network.input_shape, self.x)
        for position, outputs in enumerate(network.filters):
            own, after = ORDERS[self.settings["relu"]]
            net = self.convolution(self.convolution(net, outputs, rectify), outputs, own)
            net = L.NonlinearityLayer(L.MaxPool2DLayer(net, 2), after)
            net = self.dropout(position, net)
        net = self.dropout(2, self.dense(net, network.hidden, rectify))  # a dense layer flattens its input
        return self.dense(net, network.classes, identity)

    def convolution(self, net, outputs, nonlinearity):
        fan_in = 9 * net.output_shape[1]
        return Convolution(net, outputs, 3, pad="same", nonlinearity=nonlinearity, **self.initializers(fan_in))

    def dense(self, net, outputs, nonlinearity):
        fan_in = int(np.prod(net.output_shape[1:]))
        return L.DenseLayer(net, outputs, nonlinearity=nonlinearity, **self.initializers(fan_in))

    def initializers(self, fan_in):
        return {
            "W": INITIALIZERS[self.settings["init"]],
            "b": BIAS_INITIALIZERS[self.settings["bias_init"]](fan_in),
        }

    def dropout(self, position, net):
        return L.DropoutLayer(net, self.network.dropout[position])

    # Loss

    def build_loss(self):
        return LOSSES[self.settings["loss"]]

    # Optimiser

    def build_updates(self, loss, parameters):
        """{variable: what a step makes of it}; loss: a scalar, or the gradients."""
        scale = {"classical": 1.0, "unit_gain": self.network.step_scale}[self.settings["momentum"]]
        method = {"off": lasagne.updates.momentum, "on": lasagne.updates.nesterov_momentum}[self.settings["nesterov"]]
        return method(loss, parameters, self.network.learning_rate * scale, self.network.momentum)

    # Step

    def build_step(self):
        loss = self.loss(L.get_output(self.net), self.y).mean()
        updates = self.build_updates(loss, L.get_all_params(self.net, trainable=True))
        return theano.function([self.x, self.y], device.left_on(self.network.device, loss), updates=updates)

    def train_step(self, x, y):
        return self.step(x, y)

    def fetch(self, loss):
        return float(np.asarray(loss))

    # Predict

    def build_scores(self):
        still = self.settings["dropout_at_test"] == "off"
        return theano.function([self.x], L.get_output(self.net, deterministic=still))

    def predict(self, x):
        return self.scores(x)

    def synchronize(self):
        device.wait_for(self.network.device, L.get_all_params(self.net))

    # Weights

    def get_weights(self):
        weights = {}
        for name, layer in zip(LAYERS, self.layers):
            weights[name + ".weight"] = flipped(layer.W.get_value())
            weights[name + ".bias"] = layer.b.get_value()
        return weights

    def set_weights(self, weights):
        for name, layer in zip(LAYERS, self.layers):
            layer.W.set_value(flipped(weights[name + ".weight"]).astype(layer.W.dtype))
            layer.b.set_value(weights[name + ".bias"].astype(layer.b.dtype))

    # Report

    def report(self):
        conv, weight = theano.config.dnn.conv, self.layers[1].W
        algorithms = (conv.algo_fwd, conv.algo_bwd_filter, conv.algo_bwd_data)
        operations = [node.op for node in self.scores.maker.fgraph.toposort()]
        return dict(
            self.recognise_laws(),
            layout="nchw" if weight.get_value().shape[2:] == (3, 3) else "nhwc",
            autotune={algorithms: choice for choice, algorithms in ALGORITHMS.items()}[algorithms],
            compile="graph" if isinstance(self.step, theano.compile.Function) else "eager",
            precision=weight.dtype,
            relu="before_pool" if self.layers[1].nonlinearity is rectify else "after_pool",
            dropout_at_test="on" if any(isinstance(operation, mrg_uniform_base) for operation in operations) else "off",
            loss={function: name for name, function in LOSSES.items()}[self.loss],
            **self.recognise_update(self.first_move())
        )

    def first_move(self):
        weight = theano.shared(np.zeros(1, theano.config.floatX))
        updates = self.build_updates([T.ones_like(weight)], [weight])
        moved = theano.function([], updates[weight], mode="FAST_COMPILE")()  # no operation is compiled for it
        return -float(np.asarray(moved)[0])


class Convolution(L.Conv2DLayer):
    """Lasagne 0.1 cuts its output out of a larger one, which Theano could not yet spare it."""

    def get_output_for(self, x, **options):
        sums = T.nnet.conv2d(x, self.W, border_mode="half")
        return self.nonlinearity(sums + self.b.dimshuffle("x", 0, "x", "x"))


def flipped(weight):
    """Theano convolves where other frameworks correlate: between the two, kernels change top and bottom, left and right."""
    return np.ascontiguousarray(weight[:, :, ::-1, ::-1]) if weight.ndim == 4 else weight
