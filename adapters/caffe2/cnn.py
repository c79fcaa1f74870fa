"""The CNN in Caffe2."""

import numpy as np
from caffe2.python import brew, core, model_helper, optimizer, utils, workspace
from caffe2.python.modeling.gradient_clipping import GradientClipping

from adapters.caffe2 import nets
from adapters.caffe2.loader import Loader
from adapters.networks import cnn
from adapters.networks.cnn import CLIPS, LAYERS, STRIDES

# brew takes an operator's name and its arguments.
INITIALIZERS = {
    "glorot_uniform": lambda fan: uniform((6.0 / sum(fan)) ** 0.5),
    "xavier_224": lambda fan: uniform((4.48 / sum(fan)) ** 0.5),
    "fan_in_uniform": lambda fan: uniform((1.0 / fan[0]) ** 0.5),
    "lecun_uniform": lambda fan: ("XavierFill", {}),
    "lecun_normal": lambda fan: ("GaussianFill", {"mean": 0.0, "std": (1.0 / fan[0]) ** 0.5}),
    "uniform_007": lambda fan: uniform(0.07),
    "uniform_001": lambda fan: uniform(0.01),
}
BIAS_INITIALIZERS = {
    "zeros": lambda fan: ("ConstantFill", {"value": 0.0}),
    "fan_in_uniform": lambda fan: uniform((1.0 / fan[0]) ** 0.5),
}
ORDERS = {"nchw": "NCHW", "nhwc": "NHWC"}
PADS = {"same": 1, "valid": 0}


def uniform(limit):
    return "UniformFill", {"min": -limit, "max": limit}


class Model(cnn.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings, self.loader = network, settings, None
        with nets.start(network):
            self.net, self.test_net = self.build("train", testing=False), self.build("test", testing=True)
            self.net.AddGradientOperators([self.build_loss(self.net)])
            self.build_optimizer(self.net)
        nets.create(self.net, self.test_net, seed)

    # Network

    def build(self, name, testing):
        """The network as a training net or a prediction net; both have their weights in the same blobs."""
        network = self.network
        (one, two), flat = network.filters, self.flat_size
        scope = {"order": ORDERS[self.settings["layout"]], "cudnn_exhaustive_search": self.settings["autotune"] == "on"}
        net = model_helper.ModelHelper(name, init_params=not testing, arg_scope=scope)
        x = brew.relu(net, self.convolution(net, "data", "conv1", network.input_shape[0], one), "relu1")
        x = self.dropout(net, self.pool(net, self.convolution(net, x, "conv2", one, one), "2"), 0, testing)
        x = brew.relu(net, self.convolution(net, x, "conv3", one, two), "relu3")
        x = self.dropout(net, self.pool(net, self.convolution(net, x, "conv4", two, two), "4"), 1, testing)
        x = brew.relu(net, self.dense(net, x, "dense1", flat, network.hidden), "relu5")
        self.dense(net, self.dropout(net, x, 2, testing), "dense2", network.hidden, network.classes)
        return net

    def convolution(self, net, x, name, inputs, outputs):
        pad, no_bias = PADS[self.settings["conv_padding"]], self.settings["conv_bias"] == "off"
        first = {"no_gradient_to_input": 1} if x == "data" and self.settings["input_gradient"] == "skipped" else {}
        fills = self.initializers((9 * inputs, 9 * outputs))
        return brew.conv(net, x, name, inputs, outputs, kernel=3, pad=pad, no_bias=no_bias, **fills, **first)

    def pool(self, net, x, number):
        arguments = {"kernel": 2, "stride": STRIDES[self.settings["pool_stride"]]}
        if self.settings["relu"] == "after_pool":
            return brew.relu(net, brew.max_pool(net, x, "pool" + number, **arguments), "relu" + number)
        return brew.max_pool(net, brew.relu(net, x, "relu" + number), "pool" + number, **arguments)

    def dense(self, net, x, name, inputs, outputs):
        return brew.fc(net, x, name, inputs, outputs, **self.initializers((inputs, outputs)))

    def initializers(self, fan):
        return {
            "weight_init": INITIALIZERS[self.settings["init"]](fan),
            "bias_init": BIAS_INITIALIZERS[self.settings["bias_init"]](fan),
        }

    def dropout(self, net, x, position, testing):
        off = testing and self.settings["dropout_at_test"] == "off"
        return brew.dropout(
            net, x, "dropout{}".format(position), ratio=self.network.dropout[position], is_test=int(off)
        )

    # Loss

    def build_loss(self, net):
        return nets.build_loss(net, self.settings, "dense2")

    # Optimizer

    def build_optimizer(self, net):
        self.clip(net)
        rate = self.network.rate(self.settings["momentum"])
        nesterov = self.settings["nesterov"] == "on"
        return optimizer.build_sgd(net, rate, momentum=self.network.momentum, nesterov=int(nesterov))

    def clip(self, net):
        limit = CLIPS[self.settings["clip"]]
        if limit is not None:
            clipping = GradientClipping(GradientClipping.BY_VALUE, clip_min=-limit, clip_max=limit)
            clipping(net.net, grad_map=net.param_to_grad, blob_to_device=core.InferBlobDevices(net.net))

    # Step

    def feed(self, name, array):
        if not isinstance(array, core.BlobReference):  # the loader's batches are already in the net's blobs
            workspace.FeedBlob(name, array, nets.device(self.network))

    def train_step(self, x, y):
        self.feed("data", x)
        self.feed("label", y)
        # Returns when the last operator is done, on a GPU too: synchronize has nothing to wait for.
        workspace.RunNet(self.net.net)
        return workspace.FetchBlob("loss")

    def load(self, x, y, batches):
        if self.loader is None:
            self.loader = Loader(x, y, batches.shape[1], nets.device(self.network))
        return self.loader.epoch(batches)

    # Predict

    def predict(self, x):
        self.feed("data", x)
        workspace.RunNet(self.test_net.net)
        return workspace.FetchBlob("dense2")

    # Weights

    def get_weights(self):
        weights = {}
        for name in LAYERS:
            weights[name + ".weight"] = self.canonical(name, workspace.FetchBlob(name + "_w"))
            if workspace.HasBlob(name + "_b"):
                weights[name + ".bias"] = workspace.FetchBlob(name + "_b")
        return weights

    def set_weights(self, weights):
        for name in LAYERS:
            self.feed(name + "_w", np.ascontiguousarray(self.native(name, weights[name + ".weight"]), np.float32))
            if workspace.HasBlob(name + "_b"):
                self.feed(name + "_b", np.asarray(weights[name + ".bias"], np.float32))

    def canonical(self, name, array):
        """Dense kernels are (out, in) here; channels last, convolutions are (out, height, width, in)."""
        array = array.T if array.ndim == 2 else array
        if self.settings["layout"] == "nhwc" and array.ndim == 4:
            return array.transpose(0, 3, 1, 2)
        return self.channels_first(array) if self.settings["layout"] == "nhwc" and name == "dense1" else array

    def native(self, name, array):
        if self.settings["layout"] == "nhwc" and array.ndim == 4:
            return array.transpose(0, 2, 3, 1)
        array = self.channels_last(array) if self.settings["layout"] == "nhwc" and name == "dense1" else array
        return array.T if array.ndim == 2 else array

    # Report

    def report(self):
        operators = self.net.net.Proto().op
        kinds = [operator.type for operator in operators]
        first, pool = operators[kinds.index("Conv")], utils.ArgsToDict(operators[kinds.index("MaxPool")].arg)
        convolution = utils.ArgsToDict(first.arg)
        dropouts = [
            utils.ArgsToDict(operator.arg) for operator in self.test_net.net.Proto().op if operator.type == "Dropout"
        ]
        return dict(
            self.identify_initializers(),
            layout=convolution["order"].decode().lower(),
            autotune="on" if convolution["exhaustive_search"] else "off",
            compile="graph" if isinstance(self.net.net, core.Net) else "eager",
            precision=workspace.FetchBlob("conv1_w").dtype.name,
            conv_bias={3: "on", 2: "off"}[len(first.input)],
            conv_padding={pad: name for name, pad in PADS.items()}[convolution["pad"]],
            pool_stride={stride: name for name, stride in STRIDES.items()}[pool["stride"]],
            input_gradient="computed" if any("data_grad" in operator.output for operator in operators) else "skipped",
            relu="after_pool"
            if kinds.index("MaxPool") < kinds.index("Relu", kinds.index("Relu") + 1)
            else "before_pool",
            dropout_at_test="off" if all(dropout["is_test"] for dropout in dropouts) else "on",
            loss=nets.read_loss(kinds),
            **self.identify_update(nets.first_move(self.build_optimizer)),
        )
