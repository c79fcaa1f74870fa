"""The GRU in PyTorch."""

import numpy as np
import torch
import torch._dynamo  # torch.optim imports it when first used: here this second counts as import, not as build
from torch import nn
from torch.nn import functional as F

from adapters.networks import gru
from adapters.networks.gru import epsilon_of
from adapters.pytorch.precision import PRECISIONS, casting, read_kernels, read_precision, set_kernels

# The default initializers of PyTorch's layers.
OWN = {
    "init": "fan_in_uniform",
    "bias_init": "fan_in_uniform",
    "embedding_init": "normal_1",
    "rnn_init": "hidden_uniform",
}
KERNELS = {"fused": nn.GRU, "cell": nn.GRUCell}
TIME_AXES = {"tnc": 0, "ntc": 1}


class Model(gru.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings = network, settings
        torch.set_num_threads(network.threads)
        set_kernels(settings)
        torch.manual_seed(seed)
        self.time_axis = TIME_AXES[settings["sequence_layout"]]
        self.net = self.build()
        self.loss = self.build_loss()
        self.optimizer = self.build_optimizer(self.net.parameters())
        self.step = self.build_step()
        self.redraw(seed, OWN)

    # Network

    def build(self):
        network = self.network
        net = nn.ModuleDict(
            {
                "embedding": nn.Embedding(network.vocabulary, network.embedding),
                "gru": KERNELS[self.settings["rnn_kernel"]](network.embedding, network.hidden),
                "dense": nn.Linear(network.hidden, network.classes),
            }
        )
        if self.settings["rnn_kernel"] == "fused":
            net["gru"].batch_first = self.settings["sequence_layout"] == "ntc"
        return net.to(network.device, PRECISIONS[self.settings["precision"]])

    def forward(self, x):
        with casting(self.network, self.settings):
            scores = self.net["dense"](self.last_state(self.net["embedding"](x)))
        return scores.to(PRECISIONS[self.settings["precision"]])

    def last_state(self, vectors):
        gru = self.net["gru"]
        if isinstance(gru, nn.GRU):
            return gru(vectors)[1][0]
        state = vectors.new_zeros(vectors.shape[1 - self.time_axis], self.network.hidden)
        for step in vectors.unbind(self.time_axis):
            state = gru(step, state)
        return state

    # Loss

    def build_loss(self):
        return {"logits": F.cross_entropy, "softmax_twice": softmax_cross_entropy}[self.settings["loss"]]

    # Optimizer

    def build_optimizer(self, parameters):
        network, (form, epsilon) = self.network, epsilon_of(self.settings["adam_epsilon"])
        kind = {"hat": torch.optim.Adam, "plain": PlainAdam}[form]
        return kind(parameters, network.learning_rate, (network.beta1, network.beta2), epsilon)

    # Step

    def build_step(self):
        return {"eager": lambda f: f, "graph": torch.compile}[self.settings["compile"]](self.forward_loss)

    def forward_loss(self, x, y):
        return self.loss(self.forward(x), y)

    def train_step(self, x, y):
        self.optimizer.zero_grad()
        loss = self.step(self.words(x), self.labels(y))
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def words(self, x):
        return torch.from_numpy(x).to(self.network.device)

    def labels(self, y):
        y = torch.from_numpy(y).to(self.network.device)
        return y.long() if y.ndim == 1 else y

    # Predict

    def predict(self, x):
        with torch.no_grad():
            return self.forward(self.words(x)).cpu().numpy()

    def synchronize(self):
        if self.network.device == "cuda":
            torch.cuda.synchronize()

    # Weights

    def parameters(self):
        """{canonical name: parameter}; PyTorch's order of the gates is the canonical one."""
        gru, dense = self.net["gru"], self.net["dense"]
        suffix = "_l0" if isinstance(gru, nn.GRU) else ""
        names = {
            "input_weight": "weight_ih",
            "hidden_weight": "weight_hh",
            "input_bias": "bias_ih",
            "hidden_bias": "bias_hh",
        }
        recurrent = {"gru." + name: getattr(gru, theirs + suffix) for name, theirs in names.items()}
        rest = {
            "embedding.weight": self.net["embedding"].weight,
            "dense.weight": dense.weight,
            "dense.bias": dense.bias,
        }
        return dict(rest, **recurrent)

    def get_weights(self):
        arrays = {name: parameter.detach().cpu().numpy() for name, parameter in self.parameters().items()}
        return dict(arrays, **{"dense.weight": arrays["dense.weight"].T})

    def set_weights(self, weights):
        weights = dict(weights, **{"dense.weight": weights["dense.weight"].T})
        with torch.no_grad():
            for name, parameter in self.parameters().items():
                parameter.copy_(torch.from_numpy(np.ascontiguousarray(weights[name])))

    # Report

    def report(self):
        gru = self.net["gru"]
        return dict(
            self.identify_initializers(),
            sequence_layout="tnc" if not getattr(gru, "batch_first", self.time_axis) else "ntc",
            compile="eager" if self.step == self.forward_loss else "graph",
            cpu_kernels=read_kernels(),
            precision=read_precision(self.network, self.settings, self.net["dense"].weight),
            embedding_gradient="sparse" if self.net["embedding"].sparse else "dense",
            rnn_kernel="fused" if isinstance(gru, nn.GRU) else "cell",
            reset="after" if "gru.hidden_bias" in self.parameters() else "before",
            gates="sigmoid",
            loss="softmax_twice" if self.loss is softmax_cross_entropy else "logits",
            **self.identify_adam(self.first_move),
        )

    def first_move(self, gradient):
        weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))
        weight.grad = torch.full_like(weight, gradient)
        self.build_optimizer([weight]).step()
        return -weight.item()


class PlainAdam(torch.optim.Adam):
    """Adam with epsilon added to the root of the uncorrected second moment: for PyTorch, one that shrinks."""

    def __init__(self, parameters, rate, betas, epsilon):
        super(PlainAdam, self).__init__(parameters, rate, betas, epsilon)
        self.epsilon, self.steps = epsilon, 0

    def step(self, closure=None):
        self.steps += 1
        for group in self.param_groups:
            group["eps"] = self.epsilon / (1.0 - group["betas"][1] ** self.steps) ** 0.5
        return super(PlainAdam, self).step(closure)


def softmax_cross_entropy(scores, labels):
    """F.cross_entropy applies softmax itself, so this applies it twice."""
    return F.cross_entropy(F.softmax(scores, dim=1), labels)
