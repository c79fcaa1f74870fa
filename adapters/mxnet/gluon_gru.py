"""The GRU in MXNet Gluon."""

import mxnet as mx
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn, rnn

from adapters.common.batches import DTYPES
from adapters.mxnet.losses import SoftmaxTwice
from adapters.mxnet.optimizers import ADAMS
from adapters.mxnet.precision import read_kernels, read_precision
from adapters.networks import gru
from adapters.networks.gru import epsilon_of

# The default initializer of Block.initialize.
OWN = {"init": "uniform_007", "bias_init": "zeros", "embedding_init": "uniform_007", "rnn_init": "uniform_007"}
KERNELS = {
    "fused": lambda inputs, hidden, layout: rnn.GRU(hidden, layout=layout, input_size=inputs),
    "cell": lambda inputs, hidden, layout: rnn.GRUCell(hidden, input_size=inputs),
}


class Net(gluon.HybridBlock):
    def __init__(self, network, settings):
        super(Net, self).__init__()
        self.tokens, self.hidden = network.tokens, network.hidden
        self.layout = settings["sequence_layout"].upper()
        sparse = settings["embedding_gradient"] == "sparse"
        self.embedding = nn.Embedding(network.vocabulary, network.embedding, sparse_grad=sparse)
        self.gru = KERNELS[settings["rnn_kernel"]](network.embedding, network.hidden, self.layout)
        self.dense = nn.Dense(network.classes, in_units=network.hidden)

    def hybrid_forward(self, F, x, state):
        _, (state,) = self.unroll(self.embedding(x), state)
        return self.dense(F.reshape(state, shape=(-1, self.hidden)))

    def unroll(self, vectors, state):
        if isinstance(self.gru, rnn.GRU):
            return self.gru(vectors, state)
        return self.gru.unroll(self.tokens, vectors, state, self.layout, merge_outputs=False)


class Model(gru.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings, self.dtype = network, settings, DTYPES[settings["precision"]]
        self.context = mx.gpu(0) if network.device == "cuda" else mx.cpu()
        mx.random.seed(seed)
        self.net = self.build()
        self.state = self.net.gru.begin_state(network.batch_size, ctx=self.context, dtype=self.dtype)
        self.loss = self.build_loss()
        self.trainer = gluon.Trainer(self.net.collect_params(), self.build_optimizer())
        self.redraw(seed, OWN)

    # Network

    def build(self):
        net = Net(self.network, self.settings)
        net.cast(self.dtype)
        net.initialize(ctx=self.context)
        if self.settings["compile"] == "graph":
            net.hybridize(static_alloc=True, static_shape=True)
        return net

    # Loss

    def build_loss(self):
        cross_entropy = gluon.loss.SoftmaxCrossEntropyLoss(sparse_label=self.settings["labels"] == "sparse")
        return {"logits": cross_entropy, "softmax_twice": SoftmaxTwice(cross_entropy)}[self.settings["loss"]]

    # Optimizer

    def build_optimizer(self):
        network, (form, epsilon) = self.network, epsilon_of(self.settings["adam_epsilon"])
        kind = ADAMS[self.dtype, form]
        return kind(learning_rate=network.learning_rate, beta1=network.beta1, beta2=network.beta2, epsilon=epsilon)

    # Step

    def train_step(self, x, y):
        x, y = self.to_device(x), self.to_device(y)
        with autograd.record():
            loss = self.loss(self.net(x, self.state), y)
        loss.backward()
        self.trainer.step(self.network.batch_size)
        return loss

    def to_device(self, array):
        return nd.array(array, ctx=self.context, dtype=array.dtype)

    def fetch(self, loss):
        return float(loss.mean().asscalar())

    # Predict

    def predict(self, x):
        return self.net(self.to_device(x), self.state).asnumpy()

    def synchronize(self):
        nd.waitall()

    # Weights

    def parameters(self):
        """{canonical name: parameter}; MXNet's order of the gates is the canonical one."""
        gru, dense = self.net.gru, self.net.dense
        prefix = "l0_" if isinstance(gru, rnn.GRU) else ""
        names = {
            "input_weight": "i2h_weight",
            "hidden_weight": "h2h_weight",
            "input_bias": "i2h_bias",
            "hidden_bias": "h2h_bias",
        }
        recurrent = {"gru." + name: getattr(gru, prefix + theirs) for name, theirs in names.items()}
        rest = {"embedding.weight": self.net.embedding.weight, "dense.weight": dense.weight, "dense.bias": dense.bias}
        return dict(rest, **recurrent)

    def get_weights(self):
        arrays = {name: parameter.data().asnumpy() for name, parameter in self.parameters().items()}
        return dict(arrays, **{"dense.weight": arrays["dense.weight"].T})

    def set_weights(self, weights):
        weights = dict(weights, **{"dense.weight": weights["dense.weight"].T})
        for name, parameter in self.parameters().items():
            parameter.set_data(nd.array(weights[name], dtype=self.dtype))

    # Report

    def report(self):
        gru, parameters = self.net.gru, self.parameters()
        return dict(
            self.identify_initializers(),
            sequence_layout=getattr(gru, "_layout", self.net.layout).lower(),
            compile="graph" if self.net._active else "eager",
            cpu_kernels=read_kernels(),
            precision=read_precision(self.net.dense.weight),
            embedding_gradient="dense" if self.net.embedding.weight.list_grad()[0].stype == "default" else "sparse",
            rnn_kernel="fused" if isinstance(gru, rnn.GRU) else "cell",
            reset="after" if "gru.hidden_bias" in parameters else "before",
            gates="sigmoid",
            loss="softmax_twice" if isinstance(self.loss, SoftmaxTwice) else "logits",
            **self.identify_adam(self.first_move),
        )

    def first_move(self, gradient):
        optimizer, weight = self.build_optimizer(), nd.zeros(1, dtype=self.dtype)
        optimizer.update(0, weight, nd.full(1, gradient, dtype=weight.dtype), optimizer.create_state(0, weight))
        return -float(weight.asscalar())
