"""The CNN in PyTorch."""

import numpy as np
import torch
import torch._dynamo  # torch.optim imports it when first used: here this second counts as import, not as build
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from adapters.common import initializers
from adapters.networks import cnn
from adapters.networks.cnn import CLIPS, LAYERS, STRIDES
from adapters.pytorch.precision import PRECISIONS, casting, read_kernels, read_precision, set_kernels

INITIALIZERS = {
    "glorot_uniform": nn.init.xavier_uniform_,
    "xavier_224": lambda weight: nn.init.xavier_uniform_(weight, gain=(2.24 / 3) ** 0.5),
    "fan_in_uniform": lambda weight: nn.init.kaiming_uniform_(weight, a=5**0.5),
    "lecun_uniform": lambda weight: nn.init.kaiming_uniform_(weight, nonlinearity="linear"),
    "lecun_normal": lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="linear"),
    "lecun_truncated": lambda weight: truncated_normal(weight, weight[0].numel() ** -0.5 / initializers.TRUNCATION),
    "uniform_007": lambda weight: nn.init.uniform_(weight, -0.07, 0.07),
    "uniform_001": lambda weight: nn.init.uniform_(weight, -0.01, 0.01),
}
MEMORY_FORMATS = {"nchw": torch.contiguous_format, "nhwc": torch.channels_last}
ORDERS = {
    "before_pool": lambda stride: [nn.ReLU(), nn.MaxPool2d(2, stride)],
    "after_pool": lambda stride: [nn.MaxPool2d(2, stride), nn.ReLU()],
}


def truncated_normal(weight, deviation):
    return nn.init.trunc_normal_(weight, 0.0, deviation, -2 * deviation, 2 * deviation)


class Model(cnn.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings = network, settings
        torch.set_num_threads(network.threads)
        torch.backends.cudnn.benchmark = settings["autotune"] == "on"
        set_kernels(settings)
        torch.manual_seed(seed)
        self.net = self.build()
        self.loss = self.build_loss()
        self.optimizer = self.build_optimizer(self.net.parameters())
        self.step = self.build_step()

    # Network

    def build(self):
        network, pool, stride = self.network, ORDERS[self.settings["relu"]], STRIDES[self.settings["pool_stride"]]
        (one, two), rates = network.filters, network.dropout
        net = nn.Sequential(
            self.convolution(network.input_shape[0], one),
            nn.ReLU(),
            self.convolution(one, one),
            *pool(stride),
            nn.Dropout(rates[0]),
            self.convolution(one, two),
            nn.ReLU(),
            self.convolution(two, two),
            *pool(stride),
            nn.Dropout(rates[1]),
            nn.Flatten(),
            nn.Linear(self.flat_size, network.hidden),
            nn.ReLU(),
            nn.Dropout(rates[2]),
            nn.Linear(network.hidden, network.classes),
        )
        self.layers = [layer for layer in net if isinstance(layer, (nn.Conv2d, nn.Linear))]
        self.initialize()
        net.to(network.device, PRECISIONS[self.settings["precision"]])
        return net.to(memory_format=MEMORY_FORMATS[self.settings["layout"]])

    def convolution(self, inputs, outputs):
        return nn.Conv2d(
            inputs, outputs, 3, padding=self.settings["conv_padding"], bias=self.settings["conv_bias"] == "on"
        )

    def initialize(self):
        for layer in self.layers:
            INITIALIZERS[self.settings["init"]](layer.weight)
            if self.settings["bias_init"] == "zeros" and layer.bias is not None:
                nn.init.zeros_(layer.bias)  # otherwise as nn.Conv2d and nn.Linear drew it: fan_in_uniform

    def forward(self, x):
        with casting(self.network, self.settings):
            scores = self.net(x)
        return scores.to(PRECISIONS[self.settings["precision"]])

    # Loss

    def build_loss(self):
        return {"logits": F.cross_entropy, "softmax_twice": softmax_cross_entropy}[self.settings["loss"]]

    # Optimizer

    def build_optimizer(self, parameters):
        rate = self.network.rate(self.settings["momentum"])
        nesterov = self.settings["nesterov"] == "on"
        return torch.optim.SGD(parameters, rate, self.network.momentum, nesterov=nesterov)

    def clip(self, parameters):
        limit = CLIPS[self.settings["clip"]]
        if limit is not None:
            nn.utils.clip_grad_value_(parameters, limit)

    # Step

    def build_step(self):
        return {"eager": lambda f: f, "graph": torch.compile}[self.settings["compile"]](self.forward_loss)

    def forward_loss(self, x, y):
        return self.loss(self.forward(x), y)

    def train_step(self, x, y):
        self.net.train()
        self.optimizer.zero_grad()
        loss = self.step(self.inputs(x), self.labels(y))
        loss.backward()
        self.clip(self.net.parameters())
        self.optimizer.step()
        return loss.detach()

    def inputs(self, x):
        return self.images(x).requires_grad_(self.settings["input_gradient"] == "computed")

    def images(self, x):
        # PyTorch's axes are always named N, C, H, W; channels-last images are a view with other strides.
        x = torch.as_tensor(x).to(self.network.device)
        return x.permute(0, 3, 1, 2) if self.settings["layout"] == "nhwc" else x

    def labels(self, y):
        y = torch.as_tensor(y).to(self.network.device)
        return y.long() if y.ndim == 1 else y

    def load(self, x, y, batches):
        return DataLoader(TensorDataset(torch.from_numpy(x), torch.from_numpy(y)), batch_sampler=batches.tolist())

    # Predict

    def predict(self, x):
        self.set_test_mode()
        with torch.no_grad():
            return self.forward(self.images(x)).cpu().numpy()

    def set_test_mode(self):
        self.net.eval()
        for layer in self.net:
            if isinstance(layer, nn.Dropout):
                layer.train(self.settings["dropout_at_test"] == "on")

    def synchronize(self):
        if self.network.device == "cuda":
            torch.cuda.synchronize()

    # Weights

    def get_weights(self):
        weights = {}
        for name, layer in zip(LAYERS, self.layers):
            weight = layer.weight.detach().cpu().numpy()
            weights[name + ".weight"] = weight.T if weight.ndim == 2 else weight
            if layer.bias is not None:
                weights[name + ".bias"] = layer.bias.detach().cpu().numpy()
        return weights

    def set_weights(self, weights):
        with torch.no_grad():
            for name, layer in zip(LAYERS, self.layers):
                weight = weights[name + ".weight"]
                layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight.T if weight.ndim == 2 else weight)))
                if layer.bias is not None:
                    layer.bias.copy_(torch.from_numpy(weights[name + ".bias"]))

    # Report

    def report(self):
        kinds = [type(layer) for layer in self.net]
        convolution, pool = self.layers[1], self.net[kinds.index(nn.MaxPool2d)]
        self.set_test_mode()
        active = [layer.training for layer in self.net if isinstance(layer, nn.Dropout)]
        return dict(
            self.identify_initializers(),
            layout="nhwc" if convolution.weight.is_contiguous(memory_format=torch.channels_last) else "nchw",
            autotune="on" if torch.backends.cudnn.benchmark else "off",
            compile="eager" if self.step == self.forward_loss else "graph",
            cpu_kernels=read_kernels(),
            precision=read_precision(self.network, self.settings, convolution.weight),
            conv_bias="off" if convolution.bias is None else "on",
            conv_padding=convolution.padding,
            pool_stride={stride: name for name, stride in STRIDES.items()}[pool.stride],
            input_gradient="computed"
            if self.inputs(np.zeros((1,) + self.network.input_shape)).requires_grad
            else "skipped",
            relu="after_pool" if kinds.index(nn.MaxPool2d) < kinds.index(nn.ReLU, 3) else "before_pool",
            dropout_at_test="on" if all(active) else "off",
            loss="softmax_twice" if self.loss is softmax_cross_entropy else "logits",
            **self.identify_update(self.first_move()),
        )

    def first_move(self):
        weight = nn.Parameter(torch.zeros(1))
        weight.grad = torch.ones(1)
        self.clip([weight])
        self.build_optimizer([weight]).step()
        return -weight.item()


def softmax_cross_entropy(scores, labels):
    """F.cross_entropy applies softmax itself, so this applies it twice."""
    return F.cross_entropy(F.softmax(scores, dim=1), labels)
