"""The CNN in MXNet Gluon."""

import os

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

from adapters.common.batches import DTYPES
from adapters.mxnet.initializers import BIAS_INITIALIZERS, INITIALIZERS
from adapters.mxnet.losses import SoftmaxTwice
from adapters.mxnet.optimizers import OPTIMIZERS
from adapters.mxnet.precision import read_kernels, read_precision
from adapters.networks import cnn
from adapters.networks.cnn import CLIPS, LAYERS, STRIDES

ORDERS = {
    "before_pool": lambda stride: [nn.Activation("relu"), nn.MaxPool2D(2, stride)],
    "after_pool": lambda stride: [nn.MaxPool2D(2, stride), nn.Activation("relu")],
}
BORDERS = {"same": (1, 1), "valid": (0, 0)}


class Model(cnn.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings, self.dtype = network, settings, DTYPES[settings["precision"]]
        self.context = mx.gpu(0) if network.device == "cuda" else mx.cpu()
        mx.random.seed(seed)
        self.net = self.build()
        self.loss = self.build_loss()
        self.trainer = gluon.Trainer(self.net.collect_params(), self.build_optimizer())

    # Network

    def build(self):
        network, pool, stride = self.network, ORDERS[self.settings["relu"]], STRIDES[self.settings["pool_stride"]]
        (one, two), rates = network.filters, network.dropout
        net = nn.HybridSequential()
        net.add(self.convolution(network.input_shape[0], one), nn.Activation("relu"), self.convolution(one, one))
        net.add(*pool(stride) + [nn.Dropout(rates[0])])
        net.add(self.convolution(one, two), nn.Activation("relu"), self.convolution(two, two))
        net.add(*pool(stride) + [nn.Dropout(rates[1]), nn.Flatten()])
        net.add(self.dense(self.flat_size, network.hidden), nn.Activation("relu"), nn.Dropout(rates[2]))
        net.add(self.dense(network.hidden, network.classes))
        self.layers = [layer for layer in net if isinstance(layer, (nn.Conv2D, nn.Dense))]
        net.cast(self.dtype)
        net.initialize(ctx=self.context)
        if self.settings["compile"] == "graph":
            net.hybridize(static_alloc=True, static_shape=True)
        return net

    def convolution(self, inputs, outputs):
        padding, bias = BORDERS[self.settings["conv_padding"]], self.settings["conv_bias"] == "on"
        return nn.Conv2D(
            outputs, 3, padding=padding, use_bias=bias, in_channels=inputs, **self.initializers(9 * inputs)
        )

    def dense(self, inputs, outputs):
        return nn.Dense(outputs, in_units=inputs, **self.initializers(inputs))

    def initializers(self, fan_in):
        return {
            "weight_initializer": INITIALIZERS[self.settings["init"]](),
            "bias_initializer": BIAS_INITIALIZERS[self.settings["bias_init"]](fan_in),
        }

    # Loss

    def build_loss(self):
        cross_entropy = gluon.loss.SoftmaxCrossEntropyLoss(sparse_label=self.settings["labels"] == "sparse")
        return {"logits": cross_entropy, "softmax_twice": SoftmaxTwice(cross_entropy)}[self.settings["loss"]]

    # Optimizer

    def build_optimizer(self):
        rate = self.network.rate(self.settings["momentum"])
        kind = OPTIMIZERS[self.dtype, self.settings["nesterov"]]
        return kind(learning_rate=rate, momentum=self.network.momentum, clip_gradient=CLIPS[self.settings["clip"]])

    # Step

    def train_step(self, x, y):
        x, y = self.inputs(x), self.to_device(y)
        with autograd.record():
            loss = self.loss(self.net(x), y)
        loss.backward()
        self.trainer.step(self.network.batch_size)
        return loss

    def inputs(self, x):
        x = self.to_device(x)
        if self.settings["input_gradient"] == "computed":
            x.attach_grad()
        return x

    def to_device(self, array):
        return nd.array(array, ctx=self.context, dtype=array.dtype)

    def load(self, x, y, batches):
        return gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_sampler=batches.tolist())

    def fetch(self, loss):
        return float(loss.mean().asscalar())

    # Predict

    def predict(self, x):
        with self.test_mode():
            return self.net(self.to_device(x)).asnumpy()

    def test_mode(self):
        return {"off": autograd.predict_mode, "on": autograd.train_mode}[self.settings["dropout_at_test"]]()

    def synchronize(self):
        nd.waitall()

    # Weights

    def get_weights(self):
        weights = {}
        for name, layer in zip(LAYERS, self.layers):
            weight = layer.weight.data().asnumpy()
            weights[name + ".weight"] = weight.T if weight.ndim == 2 else weight
            if layer.bias is not None:
                weights[name + ".bias"] = layer.bias.data().asnumpy()
        return weights

    def set_weights(self, weights):
        for name, layer in zip(LAYERS, self.layers):
            weight = weights[name + ".weight"]
            layer.weight.set_data(nd.array(weight.T if weight.ndim == 2 else weight, dtype=self.dtype))
            if layer.bias is not None:
                layer.bias.set_data(nd.array(weights[name + ".bias"], dtype=self.dtype))

    # Report

    def report(self):
        kinds = [type(layer) for layer in self.net]
        convolution, pool = self.layers[0], self.net[kinds.index(nn.MaxPool2D)]
        with self.test_mode():
            dropping = autograd.is_training()
        return dict(
            self.identify_initializers(),
            layout=convolution._kwargs["layout"].lower(),
            autotune="off" if os.environ.get("MXNET_CUDNN_AUTOTUNE_DEFAULT") == "0" else "on",
            compile="graph" if self.net._active else "eager",
            cpu_kernels=read_kernels(),
            precision=read_precision(convolution.weight),
            conv_bias="off" if convolution.bias is None else "on",
            conv_padding={border: name for name, border in BORDERS.items()}[convolution._kwargs["pad"]],
            pool_stride={(stride, stride): name for name, stride in STRIDES.items()}[pool._kwargs["stride"]],
            input_gradient="skipped" if self.inputs(np.zeros(1)).grad is None else "computed",
            relu="after_pool" if kinds.index(nn.MaxPool2D) < kinds.index(nn.Activation, 3) else "before_pool",
            dropout_at_test="on" if dropping else "off",
            loss="softmax_twice" if isinstance(self.loss, SoftmaxTwice) else "logits",
            **self.identify_update(self.first_move()),
        )

    def first_move(self):
        optimizer, weight = self.build_optimizer(), nd.zeros(1, dtype=self.dtype)
        optimizer.update(0, weight, nd.ones_like(weight), optimizer.create_state(0, weight))
        return -float(weight.asscalar())
