"""The CNN in Lasagne, on Theano."""

import lasagne
import numpy as np
import theano
from lasagne import init
from lasagne import layers as L
from lasagne.nonlinearities import identity, rectify
from theano import tensor as T
from theano.sandbox.rng_mrg import mrg_uniform_base

from adapters.common import initializers
from adapters.lasagne import device
from adapters.lasagne.losses import LOSSES
from adapters.networks import cnn
from adapters.networks.cnn import CLIPS, LAYERS, STRIDES


def truncated_normal(shape):
    """Lasagne has no truncated normal, but accepts any function of a shape."""
    rng, initializer = lasagne.random.get_rng(), initializers.KERNEL_INITIALIZERS["lecun_truncated"]
    return initializers.draw(rng, initializer, shape, initializers.fans(shape)).astype(theano.config.floatX)


# Lasagne's He has standard deviation gain / sqrt(fan_in).
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
# Activation of the convolution before a pooling, and activation after the pooling.
ORDERS = {"before_pool": (rectify, identity), "after_pool": (identity, rectify)}
# cuDNN's algorithms: forward, gradient of the kernel, gradient of the images.
ALGORITHMS = {"off": ("small", "none", "none"), "on": ("time_once", "time_once", "time_once")}


class Model(cnn.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings = network, settings
        theano.config.floatX = settings["precision"]
        conv = theano.config.dnn.conv
        conv.algo_fwd, conv.algo_bwd_filter, conv.algo_bwd_data = ALGORITHMS[settings["autotune"]]
        device.use(network.device)
        lasagne.random.set_rng(np.random.RandomState(seed))
        self.x, self.y = self.inputs()
        self.net = self.build()
        self.layers = [
            layer for layer in L.get_all_layers(self.net) if isinstance(layer, (L.Conv2DLayer, L.DenseLayer))
        ]
        self.loss = self.build_loss()
        self.step = self.build_step()
        self.scores = self.build_scores()

    # Network

    def inputs(self):
        return T.tensor4(), {"sparse": T.ivector, "one_hot": T.matrix}[self.settings["labels"]]()

    def build(self):
        network, stride = self.network, STRIDES[self.settings["pool_stride"]]
        net = L.InputLayer((network.batch_size,) + network.input_shape, self.x)
        for position, outputs in enumerate(network.filters):
            own, after = ORDERS[self.settings["relu"]]
            net = self.convolution(self.convolution(net, outputs, rectify), outputs, own)
            net = L.NonlinearityLayer(L.MaxPool2DLayer(net, 2, stride), after)
            net = self.dropout(position, net)
        net = self.dropout(2, self.dense(net, network.hidden, rectify))  # a dense layer flattens its input
        return self.dense(net, network.classes, identity)

    def convolution(self, net, outputs, nonlinearity):
        initializers = self.initializers(9 * net.output_shape[1])
        if self.settings["conv_bias"] == "off":
            initializers["b"] = None
        return Convolution(
            net, outputs, 3, pad=self.settings["conv_padding"], nonlinearity=nonlinearity, **initializers
        )

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

    # Optimizer

    def build_updates(self, gradients, parameters):
        """{variable: its value after a step}."""
        rate = self.network.rate(self.settings["momentum"])
        method = {"off": lasagne.updates.momentum, "on": lasagne.updates.nesterov_momentum}[self.settings["nesterov"]]
        return method(self.clipped(gradients), parameters, rate, self.network.momentum)

    def clipped(self, gradients):
        limit = CLIPS[self.settings["clip"]]
        return gradients if limit is None else [T.clip(gradient, -limit, limit) for gradient in gradients]

    # Step

    def build_step(self):
        loss = self.loss(L.get_output(self.net), self.y).mean()
        parameters = L.get_all_params(self.net, trainable=True)
        # Nothing uses the last one: a graph computes it only as an output.
        unused = {"skipped": [], "computed": [self.x]}[self.settings["input_gradient"]]
        gradients = theano.grad(loss, parameters + unused)
        outputs = [device.left_on(self.network.device, result) for result in [loss] + gradients[len(parameters) :]]
        return theano.function(
            [self.x, self.y], outputs, updates=self.build_updates(gradients[: len(parameters)], parameters)
        )

    def train_step(self, x, y):
        return self.step(x, y)[0]

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
            if layer.b is not None:
                weights[name + ".bias"] = layer.b.get_value()
        return weights

    def set_weights(self, weights):
        for name, layer in zip(LAYERS, self.layers):
            layer.W.set_value(flipped(weights[name + ".weight"]).astype(layer.W.dtype))
            if layer.b is not None:
                layer.b.set_value(weights[name + ".bias"].astype(layer.b.dtype))

    # Report

    def report(self):
        conv, convolution, weight = theano.config.dnn.conv, self.layers[1], self.layers[1].W
        pools = [layer for layer in L.get_all_layers(self.net) if isinstance(layer, L.MaxPool2DLayer)]
        algorithms = (conv.algo_fwd, conv.algo_bwd_filter, conv.algo_bwd_data)
        operations = [node.op for node in self.scores.maker.fgraph.toposort()]
        return dict(
            self.identify_initializers(),
            layout="nchw" if weight.get_value().shape[2:] == (3, 3) else "nhwc",
            autotune={algorithms: choice for choice, algorithms in ALGORITHMS.items()}[algorithms],
            compile="graph" if isinstance(self.step, theano.compile.Function) else "eager",
            precision=weight.dtype,
            conv_bias="off" if convolution.b is None else "on",
            conv_padding="same" if convolution.pad == "same" else "valid",
            pool_stride={(stride, stride): name for name, stride in STRIDES.items()}[pools[0].stride],
            input_gradient="computed" if len(self.step.maker.outputs) > 1 else "skipped",
            relu="before_pool" if convolution.nonlinearity is rectify else "after_pool",
            dropout_at_test="on" if any(isinstance(operation, mrg_uniform_base) for operation in operations) else "off",
            loss={function: name for name, function in LOSSES.items()}[self.loss],
            **self.identify_update(self.first_move()),
        )

    def first_move(self):
        weight = theano.shared(np.zeros(1, theano.config.floatX))
        updates = self.build_updates([T.ones_like(weight)], [weight])
        moved = theano.function([], updates[weight], mode="FAST_COMPILE")()  # compiles no operations
        return -float(np.asarray(moved)[0])


class Convolution(L.Conv2DLayer):
    """Lasagne 0.1 slices its output out of a larger one, which Theano 1.0 no longer requires."""

    def get_output_for(self, x, **options):
        sums = T.nnet.conv2d(x, self.W, border_mode="half" if self.pad == "same" else "valid")
        return self.nonlinearity(sums if self.b is None else sums + self.b.dimshuffle("x", 0, "x", "x"))


def flipped(weight):
    """Theano convolves where other frameworks correlate: kernels are flipped along height and width."""
    return np.ascontiguousarray(weight[:, :, ::-1, ::-1]) if weight.ndim == 4 else weight
