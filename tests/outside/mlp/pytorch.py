"""The MLP in PyTorch."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from adapters.pytorch.precision import PRECISIONS, casting, read_precision
from mlp import network

OWN = {"init": "fan_in_uniform", "bias_init": "fan_in_uniform"}  # drawn by nn.Linear
ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}


class Model(network.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings = network, settings
        torch.set_num_threads(network.threads)
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = settings["precision"] == "tf32"
        torch.manual_seed(seed)
        self.net = self.build()
        self.loss = self.build_loss()
        self.optimizer = torch.optim.SGD(self.net.parameters(), network.learning_rate)
        self.redraw(seed, OWN)

    # Network

    def build(self):
        network, activation = self.network, ACTIVATIONS[self.settings["activation"]]
        hidden, output = nn.Linear(self.flat_size, network.hidden), nn.Linear(network.hidden, network.classes)
        self.dense = {"hidden": hidden, "output": output}
        return nn.Sequential(hidden, activation(), output).to(network.device, PRECISIONS[self.settings["precision"]])

    def forward(self, x):
        with casting(self.network, self.settings):
            scores = self.net(torch.from_numpy(x).to(self.network.device))
        return scores.to(PRECISIONS[self.settings["precision"]])

    # Loss

    def build_loss(self):
        return {"logits": F.cross_entropy, "softmax_twice": softmax_cross_entropy}[self.settings["loss"]]

    # Step

    def train_step(self, x, y):
        self.optimizer.zero_grad()
        y = torch.from_numpy(y).to(self.network.device)
        loss = self.loss(self.forward(x), y.long() if y.ndim == 1 else y)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    # Predict

    def predict(self, x):
        with torch.no_grad():
            return self.forward(x).cpu().numpy()

    # Weights

    def get_weights(self):
        weights = {}
        for name, layer in self.dense.items():
            weights[name + ".weight"] = layer.weight.detach().cpu().numpy().T
            weights[name + ".bias"] = layer.bias.detach().cpu().numpy()
        return weights

    def set_weights(self, weights):
        with torch.no_grad():
            for name, layer in self.dense.items():
                layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(weights[name + ".weight"].T)))
                layer.bias.copy_(torch.from_numpy(weights[name + ".bias"]))

    # Report

    def report(self):
        return dict(
            self.identify_initializers(),
            precision=read_precision(self.network, self.settings, self.dense["output"].weight),
            loss="softmax_twice" if self.loss is softmax_cross_entropy else "logits",
            activation={kind: name for name, kind in ACTIVATIONS.items()}[type(self.net[1])],
        )


def softmax_cross_entropy(scores, labels):
    """F.cross_entropy applies softmax itself, so this applies it twice."""
    return F.cross_entropy(F.softmax(scores, dim=1), labels)
