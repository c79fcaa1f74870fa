"""The published notebooks' GRU, as a training step of each framework. Each is the shortest faithful port.

Runs in a framework's interpreter (Python 3.6 and later).
"""

import numpy as np

from benchmarks.plain_loops.frameworks import in_keras2_graph, keras2, keras3, set_threads


def pytorch():
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.gru, self.dense = (
                nn.Embedding(30000, 125),
                nn.GRU(125, 100, batch_first=True),
                nn.Linear(100, 2),
            )

        def forward(self, x):
            outputs, _ = self.gru(self.embedding(x), torch.zeros(1, 64, 100))
            return self.dense(outputs[:, -1, :].squeeze())

    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), 0.001, (0.9, 0.999), 1e-8)

    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(torch.LongTensor(x.astype(np.int64))), torch.LongTensor(y.astype(np.int64)))
        loss.backward()
        optimizer.step()

    return step, {"sequence_layout": "ntc", "labels": "sparse"}


def tensorflow():
    import tensorflow as tf

    set_threads(tf)
    v1 = tf.compat.v1
    graph = tf.Graph()
    with graph.as_default():
        x, y = v1.placeholder(tf.int32, [None, 150]), v1.placeholder(tf.int32, [None])
        shapes = {
            "embedding": [30000, 125],
            "input": [125, 300],
            "input_bias": [300],
            "hidden": [100, 300],
            "hidden_bias": [300],
            "dense": [100, 2],
            "bias": [2],
        }
        uniform = v1.random_uniform_initializer(-0.1, 0.1)
        weights = {name: v1.get_variable(name, shape, initializer=uniform) for name, shape in shapes.items()}

        def cell(state, sums):  # the notebook has CudnnGRU, which a CPU has not
            products = tf.matmul(state, weights["hidden"]) + weights["hidden_bias"]
            (sum_r, sum_z, sum_n), (product_r, product_z, product_n) = tf.split(sums, 3, 1), tf.split(products, 3, 1)
            update = tf.sigmoid(sum_z + product_z)
            return (1 - update) * tf.tanh(sum_n + tf.sigmoid(sum_r + product_r) * product_n) + update * state

        vectors = tf.transpose(tf.nn.embedding_lookup(weights["embedding"], x), [1, 0, 2])
        states = tf.scan(cell, tf.tensordot(vectors, weights["input"], 1) + weights["input_bias"], tf.zeros([64, 100]))
        h = tf.matmul(states[-1], weights["dense"]) + weights["bias"]
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=h))
        train = v1.train.AdamOptimizer(0.001, 0.9, 0.999, 1e-8).minimize(loss)
        session = v1.Session(config=v1.ConfigProto(intra_op_parallelism_threads=2, inter_op_parallelism_threads=1))
        session.run(v1.global_variables_initializer())
    return lambda a, b: session.run(train, {x: a, y: b}), {"sequence_layout": "ntc", "labels": "sparse"}


def mxnet_gluon():
    import mxnet as mx
    from mxnet import autograd, gluon, nd

    class Net(gluon.Block):
        def __init__(self):
            super().__init__()
            self.embedding = gluon.nn.Embedding(30000, 125)
            self.gru = gluon.rnn.GRU(100, layout="NTC")
            self.dense = gluon.nn.Dense(2)

        def forward(self, x):
            return self.dense(self.gru(self.embedding(x))[:, -1, :].squeeze())

    net = Net()
    net.initialize(mx.init.Xavier())
    loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
    options = {"learning_rate": 0.001, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
    trainer = gluon.Trainer(net.collect_params(), "adam", options)
    total = nd.zeros(1)

    def step(x, y):
        x, y = nd.array(x), nd.array(y)
        with autograd.record():
            loss = loss_of(net(x), y)
        loss.backward()
        total[:] += loss.mean()
        trainer.step(64)
        nd.waitall()

    return step, {"sequence_layout": "ntc", "labels": "sparse"}


def mxnet_module():
    import mxnet as mx

    x = mx.symbol.Embedding(data=mx.symbol.Variable("data"), input_dim=30000, output_dim=125)
    gru = mx.rnn.FusedRNNCell(num_hidden=100, num_layers=1, mode="gru")
    outputs, _ = gru.unroll(length=150, inputs=x, merge_outputs=False)
    x = mx.symbol.FullyConnected(data=outputs[-1], num_hidden=2)
    net = mx.mod.Module(mx.symbol.SoftmaxOutput(data=x, label=mx.symbol.Variable("softmax_label"), name="softmax"))
    net.bind([mx.io.DataDesc("data", (64, 150))], [mx.io.DataDesc("softmax_label", (64,))])
    net.init_params(mx.init.Xavier(rnd_type="uniform"))
    options = (("learning_rate", 0.001), ("beta1", 0.9), ("beta2", 0.999), ("epsilon", 1e-8))
    net.init_optimizer(optimizer="Adam", optimizer_params=options)
    metric = mx.metric.create("acc")

    def step(x, y):
        batch = mx.io.DataBatch([mx.nd.array(x)], [mx.nd.array(y)])
        net.forward(batch, is_train=True)
        net.update_metric(metric, batch.label)
        net.backward()
        net.update()
        mx.nd.waitall()

    return step, {"sequence_layout": "ntc", "labels": "sparse"}


def cntk():
    import cntk as C
    from cntk.layers import GRU, Dense, Recurrence

    x, y = C.sequence.input_variable(1), C.input_variable(2)
    with C.layers.default_options(init=C.glorot_uniform()):
        # On a CPU CNTK's Adam does not support the sparse gradient of the notebook's Embedding of one-hot words,
        # and its cuDNN cell does not exist.
        embedding = C.parameter((30000, 125), init=C.glorot_uniform())
        vectors = C.reshape(C.gather(embedding, x), (125,))
        net = Dense(2)(C.sequence.last(Recurrence(GRU(100))(vectors)))
    loss = C.cross_entropy_with_softmax(net, y)
    rate, momentum, variance = (
        C.learning_parameter_schedule(0.001),
        C.momentum_schedule(0.9),
        C.momentum_schedule(0.999),
    )
    learner = C.adam(net.parameters, rate, momentum, variance_momentum=variance, epsilon=1e-8)
    trainer = C.Trainer(net, (loss, C.classification_error(net, y)), [learner])
    return lambda a, b: trainer.train_minibatch({x: a[:, :, None].astype(np.float32), y: b}), {
        "sequence_layout": "ntc",
        "labels": "one_hot",
    }


def keras_loop(keras, **options):
    layers, net = keras.layers, keras.models.Sequential()
    for layer in (layers.Embedding(30000, 125), layers.GRU(100, **options), layers.Dense(2, activation="softmax")):
        net.add(layer)
    adam = keras.optimizers.Adam(0.001, 0.9, 0.999, epsilon=1e-8)  # by name: the fourth is amsgrad in Keras 2
    net.compile(loss="categorical_crossentropy", optimizer=adam, metrics=["accuracy"])
    return net.train_on_batch, {"sequence_layout": "ntc", "labels": "one_hot", "adam_epsilon": "plain_1e-8"}


def keras2_tensorflow():
    """The notebook's CuDNNGRU, whose equivalent on a CPU is GRU(reset_after=True)."""
    options = {"reset_after": True, "recurrent_activation": "sigmoid"}
    step, published = in_keras2_graph(lambda: keras_loop(keras2(), **options))
    return step, dict(published, reset="after", gates="sigmoid")


LOOPS = {
    "pytorch": pytorch,
    "tensorflow": tensorflow,
    "mxnet-gluon": mxnet_gluon,
    "mxnet-module": mxnet_module,
    "cntk": cntk,
    "keras2-cntk": lambda: keras_loop(keras2()),
    "keras2-tensorflow": keras2_tensorflow,
    "keras3-tensorflow": lambda: keras_loop(keras3()),
    "keras3-torch": lambda: keras_loop(keras3()),
    "keras3-jax": lambda: keras_loop(keras3()),
}


def examples(random, settings):
    x = random.randint(0, 30000, (64, 150)).astype(np.int32)
    return {"ntc": x, "tnc": np.ascontiguousarray(x.T)}[settings["sequence_layout"]]
