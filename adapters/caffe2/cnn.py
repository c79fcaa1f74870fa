"""The CNN in Caffe2."""
import numpy as np
from caffe2.proto import caffe2_pb2
from caffe2.python import brew, core, model_helper, optimizer, utils, workspace
from caffe2.python.modeling import initializers

from adapters import model
from adapters.model import LAYERS

# brew takes an operator's name and its arguments.
INITIALIZERS = {
    "glorot_uniform": lambda fan: uniform((6.0 / sum(fan)) ** 0.5),
    "xavier_224": lambda fan: uniform((4.48 / sum(fan)) ** 0.5),
    "fan_in_uniform": lambda fan: uniform((1.0 / fan[0]) ** 0.5),
    "lecun_uniform": lambda fan: ("XavierFill", {}),
    "lecun_normal": lambda fan: ("GaussianFill", {"mean": 0.0, "std": (1.0 / fan[0]) ** 0.5}),
    "uniform_007": lambda fan: uniform(0.07),
}
BIAS_INITIALIZERS = {
    "zeros": lambda fan: ("ConstantFill", {"value": 0.0}),
    "fan_in_uniform": lambda fan: uniform((1.0 / fan[0]) ** 0.5),
}
ORDERS = {"nchw": "NCHW", "nhwc": "NHWC"}
DEVICES = {"cpu": caffe2_pb2.CPU, "cuda": caffe2_pb2.CUDA}


def uniform(limit):
    return "UniformFill", {"min": -limit, "max": limit}


class Model(model.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings = network, settings
        start(network)
        self.device = core.DeviceOption(DEVICES[network.device])
        with core.DeviceScope(self.device):
            self.net, self.test_net = self.build("train", testing=False), self.build("test", testing=True)
            loss = self.build_loss(self.net)
            self.net.AddGradientOperators([loss])
            self.build_optimizer(self.net)
        seed_operators([self.net.param_init_net, self.net.net, self.test_net.net], seed)
        workspace.RunNetOnce(self.net.param_init_net)
        self.create_nets()

    # Network

    def build(self, name, testing):
        """The network as a net that trains or one that predicts; both hold their weights in the same blobs."""
        network = self.network
        (one, two), flat = network.filters, int(np.prod(network.flat_shape))
        net = self.empty_net(name, testing)
        x = brew.relu(net, self.convolution(net, "data", "conv1", network.input_shape[0], one), "relu1")
        x = self.dropout(net, self.pool(net, self.convolution(net, x, "conv2", one, one), "2"), 0, testing)
        x = brew.relu(net, self.convolution(net, x, "conv3", one, two), "relu3")
        x = self.dropout(net, self.pool(net, self.convolution(net, x, "conv4", two, two), "4"), 1, testing)
        x = brew.relu(net, self.dense(net, x, "dense1", flat, network.hidden), "relu5")
        self.dense(net, self.dropout(net, x, 2, testing), "dense2", network.hidden, network.classes)
        return net

    def empty_net(self, name, testing):
        scope = {
            "order": ORDERS[self.settings["layout"]],
            "cudnn_exhaustive_search": self.settings["autotune"] == "on",
        }
        return model_helper.ModelHelper(name, init_params=not testing, arg_scope=scope)

    def convolution(self, net, x, name, inputs, outputs):
        first = {"no_gradient_to_input": 1} if x == "data" else {}
        fills = self.initializers((9 * inputs, 9 * outputs))
        return brew.conv(net, x, name, inputs, outputs, kernel=3, pad=1, **fills, **first)

    def pool(self, net, x, number):
        if self.settings["relu"] == "after_pool":
            return brew.relu(net, brew.max_pool(net, x, "pool" + number, kernel=2, stride=2), "relu" + number)
        return brew.max_pool(net, brew.relu(net, x, "relu" + number), "pool" + number, kernel=2, stride=2)

    def dense(self, net, x, name, inputs, outputs):
        return brew.fc(net, x, name, inputs, outputs, **self.initializers((inputs, outputs)))

    def initializers(self, fan):
        return {
            "weight_init": INITIALIZERS[self.settings["init"]](fan),
            "bias_init": BIAS_INITIALIZERS[self.settings["bias_init"]](fan),
        }

    def dropout(self, net, x, position, testing):
        off = testing and self.settings["dropout_at_test"] == "off"
        return brew.dropout(net, x, "dropout{}".format(position), ratio=self.network.dropout[position], is_test=int(off))

    # Loss

    def build_loss(self, net):
        one_hot = self.settings["labels"] == "one_hot"
        if self.settings["loss"] == "probabilities":
            cross_entropy = net.CrossEntropy if one_hot else net.LabelCrossEntropy
            return net.AveragedLoss(cross_entropy([brew.softmax(net, "dense2", "softmax"), "label"], "entropy"), "loss")
        # The framework's SoftmaxWithLoss applies softmax itself.
        scores = {"logits": lambda: "dense2", "softmax_twice": lambda: brew.softmax(net, "dense2", "softmax")}
        return net.SoftmaxWithLoss([scores[self.settings["loss"]](), "label"], ["probabilities", "loss"], label_prob=int(one_hot))[1]

    # Optimiser

    def build_optimizer(self, net):
        scale = {"classical": 1.0, "unit_gain": self.network.step_scale}[self.settings["momentum"]]
        return optimizer.build_sgd(
            net, self.network.learning_rate * scale, momentum=self.network.momentum, nesterov=int(self.settings["nesterov"] == "on")
        )

    # Step

    def create_nets(self):
        """Nets check their inputs when they are created: these must be there."""
        self.feed("data", np.zeros((1,), np.float32))
        self.feed("label", np.zeros((1,), np.int32))
        workspace.CreateNet(self.net.net)
        workspace.CreateNet(self.test_net.net)

    def feed(self, name, array):
        workspace.FeedBlob(name, array, self.device)

    def train_step(self, x, y):
        self.feed("data", x)
        self.feed("label", y)
        workspace.RunNet(self.net.net)  # returns when its last operator is done, on a GPU too: nothing is left to wait for
        return workspace.FetchBlob("loss")

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
            weights[name + ".bias"] = workspace.FetchBlob(name + "_b")
        return weights

    def set_weights(self, weights):
        for name in LAYERS:
            self.feed(name + "_w", np.ascontiguousarray(self.native(name, weights[name + ".weight"]), np.float32))
            self.feed(name + "_b", np.asarray(weights[name + ".bias"], np.float32))

    def canonical(self, name, array):
        """Dense kernels are (out, in) here; channels last, convolutions are (out, height, width, in) and flatten that way."""
        if self.settings["layout"] == "nchw":
            return array if array.ndim == 4 else array.T
        if name == "dense1":
            channels, height, width = self.network.flat_shape
            array = array.reshape(-1, height, width, channels).transpose(0, 3, 1, 2).reshape(array.shape)
        return array.transpose(0, 3, 1, 2) if array.ndim == 4 else array.T

    def native(self, name, array):
        if self.settings["layout"] == "nchw":
            return array if array.ndim == 4 else array.T
        if name == "dense1":
            channels, height, width = self.network.flat_shape
            array = array.reshape(channels, height, width, -1).transpose(1, 2, 0, 3).reshape(array.shape)
        return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array.T

    # Report

    def report(self):
        operators = self.net.net.Proto().op
        kinds = [operator.type for operator in operators]
        convolution = utils.ArgsToDict(operators[kinds.index("Conv")].arg)
        dropouts = [utils.ArgsToDict(operator.arg) for operator in self.test_net.net.Proto().op if operator.type == "Dropout"]
        return dict(
            self.recognise_laws(),
            layout=convolution["order"].decode().lower(),
            autotune="on" if convolution["exhaustive_search"] else "off",
            compile="graph" if isinstance(self.net.net, core.Net) else "eager",
            precision=workspace.FetchBlob("conv1_w").dtype.name,
            relu="after_pool" if kinds.index("MaxPool") < kinds.index("Relu", kinds.index("Relu") + 1) else "before_pool",
            dropout_at_test="off" if all(dropout["is_test"] for dropout in dropouts) else "on",
            loss=read_loss(kinds),
            **self.recognise_update(self.first_move())
        )

    def first_move(self):
        """A weight of 0 whose own mean is the loss, so that its gradient is 1, in a workspace of its own."""
        workspace.SwitchWorkspace("first move", True)
        net = model_helper.ModelHelper("first_move")
        weight = net.create_param("weight", [1], initializers.Initializer("ConstantFill", value=0.0))
        net.AddGradientOperators([net.AveragedLoss(weight, "loss")])
        self.build_optimizer(net)
        workspace.RunNetOnce(net.param_init_net)
        workspace.RunNetOnce(net.net)
        moved = -float(workspace.FetchBlob("weight")[0])
        workspace.ResetWorkspace()
        workspace.SwitchWorkspace("default")
        return moved


def start(network):
    """Threads count when Caffe2 starts; a second start only reads its flags again. The workspace begins empty."""
    workspace.GlobalInit(["caffe2", "--caffe2_omp_num_threads={}".format(network.threads)])
    workspace.ResetWorkspace()


def seed_operators(nets, seed):
    """Every operator gets a stream of its own: with one seed for all, kernels of one shape would be the same numbers."""
    random = np.random.RandomState(seed)
    for net in nets:
        for operator in net.Proto().op:
            operator.device_option.random_seed = random.randint(2**31)


def read_loss(kinds):
    if "SoftmaxWithLoss" not in kinds:
        return "probabilities"
    return "softmax_twice" if "Softmax" in kinds else "logits"
