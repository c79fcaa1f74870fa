"""What the networks in Caffe2 share: the workspace, the nets, the losses, and an optimizer's first step."""

import numpy as np
from caffe2.proto import caffe2_pb2
from caffe2.python import brew, core, model_helper, workspace
from caffe2.python.modeling.initializers import Initializer

DEVICES = {"cpu": caffe2_pb2.CPU, "cuda": caffe2_pb2.CUDA}


def start(network):
    """Empty the workspace; returns the device's scope. Only the first call in a process sets the threads."""
    workspace.GlobalInit(["caffe2", "--caffe2_omp_num_threads={}".format(network.threads)])
    workspace.ResetWorkspace()
    return core.DeviceScope(device(network))


def device(network):
    return core.DeviceOption(DEVICES[network.device])


def create(train, test, seed):
    """Fill the weights and create the nets; the input blobs must exist by then.

    Every operator has its own seed: with one seed for all, kernels of the same shape would be equal.
    """
    random = np.random.RandomState(seed)
    for net in (train.param_init_net, train.net, test.net):
        for operator in net.Proto().op:
            operator.device_option.random_seed = random.randint(2**31)
    for name in ("data", "label"):
        workspace.CreateBlob(name)
    workspace.RunNetOnce(train.param_init_net)
    workspace.CreateNet(train.net)
    workspace.CreateNet(test.net)


def build_loss(net, settings, scores):
    one_hot = settings["labels"] == "one_hot"
    if settings["loss"] != "logits":
        scores = brew.softmax(net, scores, "softmax")
    if settings["loss"] == "probabilities":
        cross_entropy = net.CrossEntropy if one_hot else net.LabelCrossEntropy
        return net.AveragedLoss(cross_entropy([scores, "label"], "cross_entropy"), "loss")
    # SoftmaxWithLoss applies softmax itself: after a softmax, this is the second.
    return net.SoftmaxWithLoss([scores, "label"], ["probabilities", "loss"], label_prob=int(one_hot))[1]


def read_loss(kinds):
    """The choice of `loss`, from the types of a net's operators."""
    if "SoftmaxWithLoss" not in kinds:
        return "probabilities"
    return "softmax_twice" if "Softmax" in kinds else "logits"


def first_move(build_optimizer, gradient=1.0):
    """How far an optimizer's first step moves a weight of 0 down a gradient, in a separate workspace."""
    before = workspace.CurrentWorkspace()
    workspace.SwitchWorkspace("first move", True)
    net = model_helper.ModelHelper("first_move")
    weight = net.create_param("weight", [1], Initializer("ConstantFill", value=0.0))
    net.AddGradientOperators([net.AveragedLoss(net.Scale(weight, "scaled", scale=gradient), "loss")])
    build_optimizer(net)
    workspace.RunNetOnce(net.param_init_net)
    workspace.RunNetOnce(net.net)
    moved = -float(workspace.FetchBlob("weight")[0])
    workspace.ResetWorkspace()
    workspace.SwitchWorkspace(before)
    return moved
