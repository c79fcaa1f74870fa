"""The CNN in Chainer."""

import chainer
import numpy as np
from chainer import functions as F
from chainer import initializers, iterators, optimizer_hooks, optimizers
from chainer import links as L
from chainer.backends import cuda
from chainer.dataset import concat_examples
from chainer.datasets import TupleDataset

from adapters.chainer.losses import softmax_cross_entropy
from adapters.networks import cnn
from adapters.networks.cnn import CLIPS, LAYERS, STRIDES

INITIALIZERS = {
    "glorot_uniform": initializers.GlorotUniform,
    "xavier_224": lambda: initializers.GlorotUniform(scale=(2.24 / 3) ** 0.5),
    "fan_in_uniform": lambda: initializers.LeCunUniform(scale=3**-0.5),
    "lecun_uniform": initializers.LeCunUniform,
    "lecun_normal": initializers.LeCunNormal,
    "uniform_007": lambda: initializers.Uniform(0.07),
    "uniform_001": lambda: initializers.Uniform(0.01),
}
BIAS_INITIALIZERS = {
    "zeros": lambda fan_in: initializers.Zero(),
    "fan_in_uniform": lambda fan_in: initializers.Uniform(fan_in**-0.5),
}
PADS = {"same": 1, "valid": 0}


class Model(cnn.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings = network, settings
        chainer.global_config.autotune = settings["autotune"] == "on"
        chainer.global_config.dtype = np.dtype(settings["precision"])
        chainer.global_config.use_ideep = "never"
        np.random.seed(seed)
        self.net = self.build()
        self.loss = self.build_loss()
        self.optimizer = self.build_optimizer(self.net)

    # Network

    def build(self):
        network = self.network
        (one, two), flat = network.filters, self.flat_size
        self.pool = {"before_pool": (F.relu, self.max_pool), "after_pool": (self.max_pool, F.relu)}[
            self.settings["relu"]
        ]
        net = chainer.Chain(
            conv1=self.convolution(network.input_shape[0], one),
            conv2=self.convolution(one, one),
            conv3=self.convolution(one, two),
            conv4=self.convolution(two, two),
            dense1=self.dense(flat, network.hidden),
            dense2=self.dense(network.hidden, network.classes),
        )
        if network.device == "cuda":
            net.to_device("@cupy:0")
        return net

    def convolution(self, inputs, outputs):
        pad, nobias = PADS[self.settings["conv_padding"]], self.settings["conv_bias"] == "off"
        return L.Convolution2D(inputs, outputs, 3, pad=pad, nobias=nobias, **self.initializers(9 * inputs))

    def max_pool(self, x):
        # By default Chainer pools a remaining row or column too.
        return F.max_pooling_2d(x, 2, STRIDES[self.settings["pool_stride"]], cover_all=False)

    def dense(self, inputs, outputs):
        return L.Linear(inputs, outputs, **self.initializers(inputs))

    def initializers(self, fan_in):
        return {
            "initialW": INITIALIZERS[self.settings["init"]](),
            "initial_bias": BIAS_INITIALIZERS[self.settings["bias_init"]](fan_in),
        }

    def forward(self, x):
        net, (first, second) = self.net, self.pool
        x = net.conv2(F.relu(net.conv1(x)))
        x = self.dropout(0, second(first(x)))
        x = net.conv4(F.relu(net.conv3(x)))
        x = self.dropout(1, second(first(x)))
        x = self.dropout(2, F.relu(net.dense1(x)))
        return net.dense2(x)

    def dropout(self, position, x):
        rate = self.network.dropout[position]
        return F.dropout(x, rate) if rate else x

    # Loss

    def build_loss(self):
        return {"logits": F.softmax_cross_entropy, "softmax_twice": softmax_cross_entropy}[self.settings["loss"]]

    # Optimizer

    def build_optimizer(self, link):
        rate = self.network.rate(self.settings["momentum"])
        optimizer = optimizers.MomentumSGD(lr=rate, momentum=self.network.momentum).setup(link)
        limit = CLIPS[self.settings["clip"]]
        if limit is not None:
            optimizer.add_hook(optimizer_hooks.GradientHardClipping(-limit, limit))
        return optimizer

    # Step

    def train_step(self, x, y):
        self.net.cleargrads()
        loss = self.loss(self.forward(self.inputs(x)), self.to_device(y))
        loss.backward()
        self.optimizer.update()
        return loss.array

    def inputs(self, x):
        return chainer.Variable(self.to_device(x), requires_grad=self.settings["input_gradient"] == "computed")

    def to_device(self, array):
        return cuda.to_gpu(array) if self.network.device == "cuda" else array

    def load(self, x, y, batches):
        examples, order = TupleDataset(x, y), batches.ravel()
        iterator = iterators.SerialIterator(examples, batches.shape[1], repeat=False, order_sampler=lambda *_: order)
        return map(concat_examples, iterator)

    # Predict

    def predict(self, x):
        with self.test_mode(), chainer.no_backprop_mode():
            return cuda.to_cpu(self.forward(self.to_device(x)).array)

    def test_mode(self):
        return chainer.using_config("train", self.settings["dropout_at_test"] == "on")

    def synchronize(self):
        if self.network.device == "cuda":
            cuda.Stream.null.synchronize()

    # Weights

    def get_weights(self):
        weights = {}
        for name in LAYERS:
            weight = cuda.to_cpu(self.net[name].W.array)
            weights[name + ".weight"] = weight.T if weight.ndim == 2 else weight
            if self.net[name].b is not None:
                weights[name + ".bias"] = cuda.to_cpu(self.net[name].b.array)
        return weights

    def set_weights(self, weights):
        for name in LAYERS:
            weight = weights[name + ".weight"]
            self.net[name].W.array[...] = self.to_device(weight.T if weight.ndim == 2 else weight)
            if self.net[name].b is not None:
                self.net[name].b.array[...] = self.to_device(weights[name + ".bias"])

    # Report

    def report(self):
        convolution, weight = self.net.conv2, self.net.conv2.W
        square = np.zeros((1, 1, 2, 2), weight.dtype)
        with self.test_mode():
            dropping = chainer.config.train
        return dict(
            self.identify_initializers(),
            layout="nchw" if weight.shape[2:] == (3, 3) else "nhwc",
            autotune="on" if chainer.config.autotune else "off",
            precision=weight.dtype.name,
            conv_bias="off" if convolution.b is None else "on",
            conv_padding={(pad, pad): name for name, pad in PADS.items()}[convolution.pad],
            pool_stride={stride: name for name, stride in STRIDES.items()}[self.max_pool(square).creator.stride[0]],
            input_gradient="computed" if self.inputs(square).requires_grad else "skipped",
            relu="before_pool" if self.pool[0] is F.relu else "after_pool",
            dropout_at_test="on" if dropping else "off",
            loss="softmax_twice" if self.loss is softmax_cross_entropy else "logits",
            **self.identify_update(self.first_move()),
        )

    def first_move(self):
        link = L.Bias(axis=0, shape=(1,))  # one weight of 0
        link.cleargrads()
        link.b.grad = np.ones_like(link.b.array)
        self.build_optimizer(link).update()
        return -float(link.b.array[0])
