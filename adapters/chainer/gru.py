"""The GRU in Chainer."""

import chainer
import numpy as np
from chainer import functions as F
from chainer import links as L
from chainer import optimizers
from chainer.backends import cuda

from adapters.chainer.losses import softmax_cross_entropy
from adapters.networks import gru
from adapters.networks.gru import epsilon_of

# The default initializers of Chainer's links.
OWN = {"init": "lecun_normal", "bias_init": "zeros", "embedding_init": "normal_1", "rnn_init": "lecun_normal"}
TIME_AXES = {"tnc": 0, "ntc": 1}


class Model(gru.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings = network, settings
        chainer.global_config.dtype = np.dtype(settings["precision"])
        chainer.global_config.use_ideep = "never"
        np.random.seed(seed)
        self.time_axis = TIME_AXES[settings["sequence_layout"]]
        self.net = self.build()
        self.loss = self.build_loss()
        self.optimizer = self.build_optimizer().setup(self.net)
        self.redraw(seed, OWN)

    # Network

    def build(self):
        network = self.network
        net = chainer.Chain(
            embedding=L.EmbedID(network.vocabulary, network.embedding),
            gru=L.NStepGRU(1, network.embedding, network.hidden, 0.0),
            dense=L.Linear(network.hidden, network.classes),
        )
        if network.device == "cuda":
            net.to_device("@cupy:0")
        return net

    def forward(self, x):
        vectors = self.net.embedding(x)
        # NStepGRU takes a list of sequences, one for each example.
        state, _ = self.net.gru(None, F.separate(vectors, 1 - self.time_axis))
        return self.net.dense(state[0])

    # Loss

    def build_loss(self):
        return {"logits": F.softmax_cross_entropy, "softmax_twice": softmax_cross_entropy}[self.settings["loss"]]

    # Optimizer

    def build_optimizer(self):
        network, (form, epsilon) = self.network, epsilon_of(self.settings["adam_epsilon"])
        kind = {"plain": optimizers.Adam, "hat": HatAdam}[form]
        return kind(alpha=network.learning_rate, beta1=network.beta1, beta2=network.beta2, eps=epsilon)

    # Step

    def train_step(self, x, y):
        self.net.cleargrads()
        loss = self.loss(self.forward(self.to_device(x)), self.to_device(y))
        loss.backward()
        self.optimizer.update()
        return loss.array

    def to_device(self, array):
        return cuda.to_gpu(array) if self.network.device == "cuda" else array

    # Predict

    def predict(self, x):
        with chainer.using_config("train", False), chainer.no_backprop_mode():
            return cuda.to_cpu(self.forward(self.to_device(x)).array)

    def synchronize(self):
        if self.network.device == "cuda":
            cuda.Stream.null.synchronize()

    # Weights

    def parts(self):
        """{canonical name: parameters}; w0 to w2 and b0 to b2 are for the inputs, the others for the state."""
        layer, net = self.net.gru[0], self.net
        return {
            "embedding.weight": [net.embedding.W],
            "gru.input_weight": [layer.w0, layer.w1, layer.w2],
            "gru.hidden_weight": [layer.w3, layer.w4, layer.w5],
            "gru.input_bias": [layer.b0, layer.b1, layer.b2],
            "gru.hidden_bias": [layer.b3, layer.b4, layer.b5],
            "dense.weight": [net.dense.W],
            "dense.bias": [net.dense.b],
        }

    def get_weights(self):
        weights = {
            name: np.concatenate([cuda.to_cpu(part.array) for part in parts]) for name, parts in self.parts().items()
        }
        return dict(weights, **{"dense.weight": weights["dense.weight"].T})

    def set_weights(self, weights):
        weights = dict(weights, **{"dense.weight": weights["dense.weight"].T})
        for name, parts in self.parts().items():
            for part, array in zip(parts, np.split(weights[name], len(parts))):
                part.array[...] = self.to_device(np.ascontiguousarray(array, part.dtype))

    # Report

    def report(self):
        return dict(
            self.identify_initializers(),
            sequence_layout="tnc" if self.time_axis == 0 else "ntc",
            precision=self.net.dense.W.dtype.name,
            embedding_gradient="dense",
            rnn_kernel="fused" if isinstance(self.net.gru, L.NStepGRU) else "cell",
            reset="after" if hasattr(self.net.gru[0], "b5") else "before",
            gates="sigmoid",
            loss="softmax_twice" if self.loss is softmax_cross_entropy else "logits",
            **self.identify_adam(self.first_move),
        )

    def first_move(self, gradient):
        link = L.Bias(axis=0, shape=(1,))  # one weight of 0
        link.cleargrads()
        link.b.grad = np.full_like(link.b.array, gradient)
        self.build_optimizer().setup(link).update()
        return -float(link.b.array[0])


class HatAdam(optimizers.Adam):
    """Adam with epsilon added to the root of the bias-corrected second moment: for Chainer, one that grows."""

    def __init__(self, eps, **hyperparameters):
        super(HatAdam, self).__init__(eps=eps, **hyperparameters)
        self.epsilon = eps

    def update(self, *arguments):
        self.hyperparam.eps = self.epsilon * (1.0 - self.hyperparam.beta2 ** (self.t + 1)) ** 0.5
        super(HatAdam, self).update(*arguments)
