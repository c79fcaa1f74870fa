"""The CNN in MXNet's Module: a symbol that is bound to arrays once and run by an executor."""

import json
import os

import mxnet as mx
import numpy as np
from mxnet import nd, sym

from adapters.common.batches import DTYPES
from adapters.mxnet.initializers import BIAS_INITIALIZERS, INITIALIZERS
from adapters.mxnet.losses import PICKED, SYMBOLS
from adapters.mxnet.optimizers import OPTIMIZERS
from adapters.mxnet.precision import read_kernels, read_precision
from adapters.networks import cnn
from adapters.networks.cnn import CLIPS, LAYERS, STRIDES

ORDERS = {
    "before_pool": lambda x, stride: max_pool(relu(x), stride),
    "after_pool": lambda x, stride: relu(max_pool(x, stride)),
}
BORDERS = {"same": (1, 1), "valid": (0, 0)}


def relu(x):
    return sym.Activation(x, act_type="relu")


def max_pool(x, stride):
    return sym.Pooling(x, pool_type="max", kernel=(2, 2), stride=(stride, stride))


class Model(cnn.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings, self.dtype = network, settings, DTYPES[settings["precision"]]
        self.context = mx.gpu(0) if network.device == "cuda" else mx.cpu()
        mx.random.seed(seed)
        scores = self.build()
        self.module = self.bind(self.build_loss(scores), scores)
        self.module.init_params(INITIALIZERS[settings["init"]]())
        self.module.init_optimizer(optimizer=self.build_optimizer())

    # Network

    def build(self):
        network, pool, stride = self.network, ORDERS[self.settings["relu"]], STRIDES[self.settings["pool_stride"]]
        (one, two), rates = network.filters, network.dropout
        x = relu(self.convolution("conv1", sym.Variable("data"), network.input_shape[0], one))
        x = sym.Dropout(pool(self.convolution("conv2", x, one, one), stride), p=rates[0])
        x = relu(self.convolution("conv3", x, one, two))
        x = sym.Dropout(pool(self.convolution("conv4", x, two, two), stride), p=rates[1])
        x = relu(self.dense("dense1", sym.Flatten(x), self.flat_size, network.hidden))
        return self.dense("dense2", sym.Dropout(x, p=rates[2]), network.hidden, network.classes)

    def convolution(self, name, x, inputs, outputs):
        settings = self.settings
        bias = {"on": {"bias": self.bias(name, 9 * inputs)}, "off": {"no_bias": True}}[settings["conv_bias"]]
        return sym.Convolution(
            x, kernel=(3, 3), pad=BORDERS[settings["conv_padding"]], num_filter=outputs, name=name, **bias
        )

    def dense(self, name, x, inputs, outputs):
        return sym.FullyConnected(x, num_hidden=outputs, bias=self.bias(name, inputs), name=name)

    def bias(self, name, fan_in):
        return sym.Variable(name + "_bias", init=BIAS_INITIALIZERS[self.settings["bias_init"]](fan_in))

    def bind(self, loss, scores):
        size, images = self.network.batch_size, self.network.input_shape
        y_shape = {"sparse": (size,), "one_hot": (size, self.network.classes)}[self.settings["labels"]]
        x = mx.io.DataDesc("data", (size,) + images, self.dtype)
        y = mx.io.DataDesc("softmax_label", y_shape, self.dtype)
        module = mx.mod.Module(sym.Group([loss, sym.BlockGrad(scores)]), context=self.context)
        module.bind([x], [y], inputs_need_grad=self.settings["input_gradient"] == "computed")
        return module

    # Loss

    def build_loss(self, scores):
        return SYMBOLS[self.settings["loss"]](scores)

    # Optimizer

    def build_optimizer(self):
        rate = self.network.rate(self.settings["momentum"])
        kind, limit = OPTIMIZERS[self.dtype, self.settings["nesterov"]], CLIPS[self.settings["clip"]]
        mean = 1.0 / self.network.batch_size
        return kind(learning_rate=rate, momentum=self.network.momentum, rescale_grad=mean, clip_gradient=limit)

    # Step

    def train_step(self, x, y):
        x, y = self.to_device(x), self.to_device(y)
        self.module.forward_backward(mx.io.DataBatch([x], [y]))
        self.module.update()
        return PICKED[self.settings["labels"]](self.module.get_outputs()[0], y)

    def to_device(self, array):
        return nd.array(array, ctx=self.context, dtype=self.dtype)

    def load(self, x, y, batches):
        rows = batches.ravel()  # NDArrayIter reads rows in order; its own shuffling also copies them all
        x, y = nd.array(x[rows], dtype=x.dtype), nd.array(y[rows], dtype=y.dtype)
        for batch in mx.io.NDArrayIter(x, y, batches.shape[1]):
            yield batch.data[0], batch.label[0]

    def fetch(self, loss):
        return -float(nd.log(loss).mean().asscalar())

    # Predict

    def predict(self, x):
        nd.waitall()  # an update may still be writing the weights, and the executor would read them half-written
        dropping = self.settings["dropout_at_test"] == "on"
        self.module.forward(mx.io.DataBatch([self.to_device(x)]), is_train=dropping)
        return self.module.get_outputs()[1].asnumpy()

    def synchronize(self):
        nd.waitall()

    # Weights

    def get_weights(self):
        arrays, _ = self.module.get_params()
        weights = {}
        for name in LAYERS:
            weight = arrays[name + "_weight"].asnumpy()
            weights[name + ".weight"] = weight.T if weight.ndim == 2 else weight
            if name + "_bias" in arrays:
                weights[name + ".bias"] = arrays[name + "_bias"].asnumpy()
        return weights

    def set_weights(self, weights):
        arrays = {}
        for name, array in weights.items():
            ours = array.T if array.ndim == 2 else array
            arrays[name.replace(".", "_")] = nd.array(ours, dtype=self.dtype)
        self.module.set_params(arrays, {})

    # Report

    def report(self):
        nodes = json.loads(self.module.symbol.tojson())["nodes"]
        convolution, pooling = [[node for node in nodes if node["op"] == op][0] for op in ("Convolution", "Pooling")]
        executor, pooled = self.module._exec_group.execs[0], nodes[pooling["inputs"][0][0]]
        return dict(
            self.identify_initializers(),
            layout=convolution["attrs"].get("layout", "NCHW").lower(),
            autotune="off" if os.environ.get("MXNET_CUDNN_AUTOTUNE_DEFAULT") == "0" else "on",
            compile="graph" if self.module.binded else "eager",
            cpu_kernels=read_kernels(),
            precision=read_precision(executor.arg_dict["conv1_weight"]),
            conv_bias="off" if convolution["attrs"].get("no_bias") == "True" else "on",
            conv_padding={str(border): name for name, border in BORDERS.items()}[convolution["attrs"]["pad"]],
            pool_stride={str((stride, stride)): name for name, stride in STRIDES.items()}[pooling["attrs"]["stride"]],
            input_gradient="skipped" if executor.grad_dict["data"] is None else "computed",
            relu="before_pool" if pooled["op"] == "Activation" else "after_pool",
            dropout_at_test=self.read_dropout(),
            loss="softmax_twice" if "softmax" in [node["op"] for node in nodes] else "logits",
            **self.identify_update(self.first_move()),
        )

    def first_move(self):
        optimizer, weight = self.build_optimizer(), nd.zeros(1, dtype=self.dtype)
        gradient = nd.ones_like(weight) * self.network.batch_size  # summed over the batch, as SoftmaxOutput's is
        optimizer.update(0, weight, gradient, optimizer.create_state(0, weight))
        return -float(weight.asscalar())

    def read_dropout(self):
        x = np.ones((self.network.batch_size,) + self.network.input_shape)
        return "off" if np.array_equal(self.predict(x), self.predict(x)) else "on"
