"""The GRU in MXNet's Module."""

import json

import mxnet as mx
from mxnet import nd, sym

from adapters.common.batches import DTYPES
from adapters.mxnet.losses import PICKED, SYMBOLS
from adapters.mxnet.optimizers import ADAMS
from adapters.mxnet.precision import read_kernels, read_precision
from adapters.networks import gru
from adapters.networks.gru import epsilon_of

# The default initializer of Module.init_params.
OWN = {"init": "uniform_001", "bias_init": "zeros", "embedding_init": "uniform_001", "rnn_init": "uniform_001"}
FUSED = "gru_parameters"  # all parameters of a fused cell, in one array
NAMES = {
    "embedding.weight": "embedding_weight",
    "gru.input_weight": "gru_l0_i2h_weight",
    "gru.hidden_weight": "gru_l0_h2h_weight",
    "gru.input_bias": "gru_l0_i2h_bias",
    "gru.hidden_bias": "gru_l0_h2h_bias",
    "dense.weight": "dense_weight",
    "dense.bias": "dense_bias",
}


class Model(gru.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings, self.dtype = network, settings, DTYPES[settings["precision"]]
        self.context = mx.gpu(0) if network.device == "cuda" else mx.cpu()
        mx.random.seed(seed)
        self.fused = mx.rnn.FusedRNNCell(network.hidden, mode="gru", get_next_state=True, prefix="gru_")
        self.cell = self.fused.unfuse()
        scores = self.build()
        self.module = self.bind(self.build_loss(scores), scores)
        self.module.init_params()
        self.module.init_optimizer(optimizer=self.build_optimizer())
        self.redraw(seed, OWN)

    # Network

    def build(self):
        network, settings = self.network, self.settings
        vectors = sym.Embedding(
            sym.Variable("data"),
            input_dim=network.vocabulary,
            output_dim=network.embedding,
            name="embedding",
            dtype=self.dtype,
            sparse_grad=settings["embedding_gradient"] == "sparse",
        )
        gru = {"fused": self.fused, "cell": self.cell}[settings["rnn_kernel"]]
        start = gru.begin_state(dtype=self.dtype)
        _, (state,) = gru.unroll(network.tokens, vectors, start, settings["sequence_layout"].upper())
        return sym.FullyConnected(
            sym.reshape(state, shape=(-1, network.hidden)), num_hidden=network.classes, name="dense"
        )

    def bind(self, loss, scores):
        network = self.network
        size, axes = network.batch_size, self.settings["sequence_layout"].upper()[:2]
        x_shape = {"NT": (size, network.tokens), "TN": (network.tokens, size)}[axes]
        y_shape = {"sparse": (size,), "one_hot": (size, network.classes)}[self.settings["labels"]]
        module = mx.mod.Module(sym.Group([loss, sym.BlockGrad(scores)]), context=self.context)
        module.bind(
            [mx.io.DataDesc("data", x_shape, "int32", axes)], [mx.io.DataDesc("softmax_label", y_shape, self.dtype)]
        )
        return module

    # Loss

    def build_loss(self, scores):
        return SYMBOLS[self.settings["loss"]](scores)

    # Optimizer

    def build_optimizer(self):
        network, (form, epsilon) = self.network, epsilon_of(self.settings["adam_epsilon"])
        return ADAMS[self.dtype, form](
            learning_rate=network.learning_rate,
            beta1=network.beta1,
            beta2=network.beta2,
            epsilon=epsilon,
            rescale_grad=1.0 / network.batch_size,
        )

    # Step

    def train_step(self, x, y):
        y = nd.array(y, ctx=self.context, dtype=self.dtype)
        self.module.forward_backward(mx.io.DataBatch([self.words(x)], [y]))
        self.module.update()
        return PICKED[self.settings["labels"]](self.module.get_outputs()[0], y)

    def words(self, x):
        return nd.array(x, ctx=self.context, dtype=x.dtype)

    def fetch(self, loss):
        return -float(nd.log(loss).mean().asscalar())

    # Predict

    def predict(self, x):
        nd.waitall()  # an update may still be writing the weights, and the executor would read them half-written
        self.module.forward(mx.io.DataBatch([self.words(x)]), is_train=False)
        return self.module.get_outputs()[1].asnumpy()

    def synchronize(self):
        nd.waitall()

    # Weights

    def get_weights(self):
        arrays, _ = self.module.get_params()
        if FUSED in arrays:
            # One array -> one per gate -> gates stacked.
            arrays = self.cell.pack_weights(self.fused.unpack_weights(arrays))
        weights = {name: arrays[theirs].asnumpy() for name, theirs in NAMES.items()}
        return dict(weights, **{"dense.weight": weights["dense.weight"].T})

    def set_weights(self, weights):
        weights = dict(weights, **{"dense.weight": weights["dense.weight"].T})
        arrays = {theirs: nd.array(weights[name], dtype=self.dtype) for name, theirs in NAMES.items()}
        if FUSED in self.module.get_params()[0]:
            arrays = self.fused.pack_weights(self.cell.unpack_weights(arrays))
        self.module.set_params(arrays, {})

    # Report

    def report(self):
        arrays, executor = self.module.get_params()[0], self.module._exec_group.execs[0]
        kinds = [node["op"] for node in json.loads(self.module.symbol.tojson())["nodes"]]
        return dict(
            self.identify_initializers(),
            sequence_layout=self.module.data_shapes[0].layout.lower() + "c",
            compile="graph" if self.module.binded else "eager",
            cpu_kernels=read_kernels(),
            precision=read_precision(arrays["dense_weight"]),
            embedding_gradient="dense" if executor.grad_dict["embedding_weight"].stype == "default" else "sparse",
            rnn_kernel="fused" if "RNN" in kinds else "cell",
            reset="after" if "gru.hidden_bias" in self.get_weights() else "before",
            gates="sigmoid",
            loss="softmax_twice" if "softmax" in kinds else "logits",
            **self.identify_adam(self.first_move),
        )

    def first_move(self, gradient):
        optimizer, weight = self.build_optimizer(), nd.zeros(1, dtype=self.dtype)
        # Summed over the batch, as SoftmaxOutput's gradient is.
        summed = nd.full(1, gradient * self.network.batch_size, dtype=weight.dtype)
        optimizer.update(0, weight, summed, optimizer.create_state(0, weight))
        return -float(weight.asscalar())
