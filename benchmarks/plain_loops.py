"""The plain loops: each the shortest honest port of a published notebook. Runs in a framework's interpreter (Python 3.6 and later).

PYTHON -m benchmarks.plain_loops ADAPTER MODEL adapter|plain
"""

import os
import sys
import time

import numpy as np

from adapters import load, load_spec
from adapters.contract.model import Network, RecurrentNetwork
from adapters.worker import Events

NETWORKS = {
    "cnn": Network((3, 32, 32), 10, (50, 100), 512, (0.25, 0.25, 0.5), 64, 0.01, 0.9, 2, "cpu"),
    "gru": RecurrentNetwork(150, 30000, 125, 100, 2, 64, 0.001, 0.9, 0.999, 2, "cpu"),
}
STEPS = 4


def pytorch():
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(3, 50, 3, padding=1), nn.Conv2d(50, 50, 3, padding=1)
            self.conv3, self.conv4 = nn.Conv2d(50, 100, 3, padding=1), nn.Conv2d(100, 100, 3, padding=1)
            self.fc1, self.fc2 = nn.Linear(6400, 512), nn.Linear(512, 10)

        def forward(self, x):
            x = F.dropout(F.relu(F.max_pool2d(self.conv2(F.relu(self.conv1(x))), 2)), 0.25)
            x = F.dropout(F.relu(F.max_pool2d(self.conv4(F.relu(self.conv3(x))), 2)), 0.25)
            return self.fc2(F.dropout(F.relu(self.fc1(x.view(-1, 6400))), 0.5))

    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), 0.01, 0.9)

    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(torch.FloatTensor(x)), torch.LongTensor(y.astype(np.int64)))
        loss.backward()
        optimizer.step()

    return step, {"layout": "nchw", "labels": "sparse", "relu": "after_pool"}


def pytorch_gru():
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

    v1 = tf.compat.v1
    graph = tf.Graph()
    with graph.as_default():
        x, y = v1.placeholder(tf.float32, [None, 32, 32, 3]), v1.placeholder(tf.int32, [None])
        h, inputs = x, 3
        for number, outputs in enumerate((50, 50, 100, 100), 1):
            kernel = v1.get_variable("k%d" % number, [3, 3, inputs, outputs])
            bias = v1.get_variable("b%d" % number, [outputs], initializer=v1.zeros_initializer())
            h, inputs = tf.nn.bias_add(tf.nn.conv2d(h, kernel, 1, "SAME"), bias), outputs
            if number % 2:
                h = tf.nn.relu(h)
            else:
                h = tf.nn.dropout(tf.nn.relu(tf.nn.max_pool2d(h, 2, 2, "VALID")), 0.25)
        h = tf.reshape(h, [-1, 6400])
        for name, shape in (("d1", [6400, 512]), ("d2", [512, 10])):
            weight, bias = (
                v1.get_variable(name, shape),
                v1.get_variable(name + "b", shape[1:], initializer=v1.zeros_initializer()),
            )
            h = tf.matmul(h, weight) + bias
            h = tf.nn.dropout(tf.nn.relu(h), 0.5) if name == "d1" else h
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=h))
        train = v1.train.MomentumOptimizer(0.01, 0.9).minimize(loss)
        session = v1.Session(config=v1.ConfigProto(intra_op_parallelism_threads=2, inter_op_parallelism_threads=1))
        session.run(v1.global_variables_initializer())
    return lambda a, b: session.run(train, {x: a, y: b}), {"layout": "nhwc", "labels": "sparse", "relu": "after_pool"}


def tensorflow_gru():
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
    from mxnet.gluon import nn

    net = nn.Sequential()
    for filters in (50, 100):
        net.add(nn.Conv2D(filters, 3, padding=1, activation="relu"), nn.Conv2D(filters, 3, padding=1))
        net.add(nn.MaxPool2D(2), nn.Activation("relu"), nn.Dropout(0.25))
    net.add(nn.Flatten(), nn.Dense(512, activation="relu"), nn.Dropout(0.25), nn.Dense(10))
    net.initialize(mx.init.Xavier(magnitude=2.24))
    loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01, "momentum": 0.9})

    def step(x, y):
        x, y = nd.array(x), nd.array(y)
        with autograd.record():
            loss = loss_of(net(x), y)
        loss.backward()
        trainer.step(64)
        nd.waitall()

    return step, {"layout": "nchw", "labels": "sparse", "relu": "after_pool"}


def mxnet_module():
    import mxnet as mx

    x = mx.symbol.Variable("data")
    for filters in (50, 100):
        x = mx.symbol.Convolution(data=x, num_filter=filters, pad=(1, 1), kernel=(3, 3))
        x = mx.symbol.Activation(data=x, act_type="relu")
        x = mx.symbol.Convolution(data=x, num_filter=filters, pad=(1, 1), kernel=(3, 3))
        x = mx.symbol.Pooling(data=x, pool_type="max", kernel=(2, 2), stride=(2, 2))
        x = mx.symbol.Dropout(data=mx.symbol.Activation(data=x, act_type="relu"), p=0.25)
    x = mx.symbol.FullyConnected(data=mx.symbol.Flatten(data=x), num_hidden=512)
    x = mx.symbol.Dropout(data=mx.symbol.Activation(data=x, act_type="relu"), p=0.5)
    x = mx.symbol.FullyConnected(data=x, num_hidden=10)
    net = mx.mod.Module(mx.symbol.SoftmaxOutput(data=x, label=mx.symbol.Variable("softmax_label"), name="softmax"))
    net.bind([("data", (64, 3, 32, 32))], [("softmax_label", (64,))])
    net.init_params(mx.init.Xavier(rnd_type="uniform"))
    net.init_optimizer(optimizer="sgd", optimizer_params=(("learning_rate", 0.01), ("momentum", 0.9)))
    metric = mx.metric.create("acc")

    def step(x, y):
        batch = mx.io.DataBatch([mx.nd.array(x)], [mx.nd.array(y)])
        net.forward(batch, is_train=True)
        net.update_metric(metric, batch.label)
        net.backward()
        net.update()
        mx.nd.waitall()

    return step, {"layout": "nchw", "labels": "sparse", "relu": "after_pool"}


def mxnet_gluon_gru():
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


def mxnet_module_gru():
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


def chainer():
    import chainer
    from chainer import functions as F
    from chainer import links as L

    class Net(chainer.Chain):
        def __init__(self):
            super().__init__(
                conv1=L.Convolution2D(3, 50, 3, pad=1),
                conv2=L.Convolution2D(50, 50, 3, pad=1),
                conv3=L.Convolution2D(50, 100, 3, pad=1),
                conv4=L.Convolution2D(100, 100, 3, pad=1),
                fc1=L.Linear(6400, 512),
                fc2=L.Linear(512, 10),
            )

        def __call__(self, x):
            h = F.dropout(F.relu(F.max_pooling_2d(self.conv2(F.relu(self.conv1(x))), 2, 2)), 0.25)
            h = F.dropout(F.relu(F.max_pooling_2d(self.conv4(F.relu(self.conv3(h))), 2, 2)), 0.25)
            return self.fc2(F.dropout(F.relu(self.fc1(h)), 0.5))

    net = Net()
    optimizer = chainer.optimizers.MomentumSGD(lr=0.01, momentum=0.9)
    optimizer.setup(net)

    def step(x, y):
        net.cleargrads()
        loss = F.softmax_cross_entropy(net(x), y)
        loss.backward()
        optimizer.update()

    return step, {"layout": "nchw", "labels": "sparse", "relu": "after_pool"}


def cntk():
    import cntk as C
    from cntk.layers import Convolution2D, Dense, Dropout, MaxPooling, Sequential

    x, y = C.input_variable((3, 32, 32)), C.input_variable(10)
    with C.layers.default_options(init=C.glorot_uniform(), activation=C.relu):
        stages = []
        for filters in (50, 100):
            stages += [Convolution2D((3, 3), filters, pad=True), Convolution2D((3, 3), filters, pad=True)]
            stages += [MaxPooling((2, 2), strides=(2, 2)), Dropout(0.25)]
        net = Sequential(stages + [Dense(512), Dropout(0.5), Dense(10, activation=None)])(x)
    loss = C.cross_entropy_with_softmax(net, y)
    learner = C.momentum_sgd(
        net.parameters, C.learning_parameter_schedule(0.01), C.momentum_schedule(0.9), unit_gain=False
    )
    trainer = C.Trainer(net, (loss, C.classification_error(net, y)), [learner])
    return lambda a, b: trainer.train_minibatch({x: a, y: b}), {
        "layout": "nchw",
        "labels": "one_hot",
        "relu": "before_pool",
    }


def cntk_gru():
    import cntk as C
    from cntk.layers import GRU, Dense, Recurrence

    x, y = C.sequence.input_variable(1), C.input_variable(2)
    with C.layers.default_options(init=C.glorot_uniform()):
        # The notebook's Embedding of one-hot words has a sparse gradient, which CNTK's Adam can't take on a CPU; nor is its cuDNN cell there.
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


def caffe2():
    from caffe2.python import brew, model_helper, optimizer, workspace

    workspace.GlobalInit(["caffe2", "--caffe2_omp_num_threads=2"])
    workspace.SwitchWorkspace("plain", True)  # the adapter has the default one
    net = model_helper.ModelHelper("plain", arg_scope={"order": "NCHW", "use_cudnn": True, "is_test": 0})
    h, inputs = "data", 3
    for number, outputs in enumerate((50, 50, 100, 100), 1):
        h = brew.conv(
            net, h, "conv%d" % number, inputs, outputs, kernel=3, pad=1, no_gradient_to_input=int(number == 1)
        )
        inputs = outputs
        if number % 2:
            h = brew.relu(net, h, "relu%d" % number)
        else:
            h = brew.relu(net, brew.max_pool(net, h, "pool%d" % number, kernel=2, stride=2), "relu%d" % number)
            h = brew.dropout(net, h, "drop%d" % number, ratio=0.25)
    h = brew.dropout(net, brew.relu(net, brew.fc(net, h, "fc1", 6400, 512), "relu5"), "drop5", ratio=0.5)
    softmax = brew.softmax(net, brew.fc(net, h, "fc2", 512, 10), "softmax")
    loss = net.AveragedLoss(net.LabelCrossEntropy([softmax, "label"], "xent"), "loss")
    net.AddGradientOperators([loss])
    optimizer.build_sgd(net, base_learning_rate=0.01, policy="fixed", momentum=0.9)
    workspace.FeedBlob("data", np.zeros((64, 3, 32, 32), np.float32))
    workspace.FeedBlob("label", np.zeros(64, np.int32))
    workspace.RunNetOnce(net.param_init_net)
    workspace.CreateNet(net.net)

    def step(x, y):
        workspace.SwitchWorkspace("plain")
        workspace.FeedBlob("data", x)
        workspace.FeedBlob("label", y)
        workspace.RunNet(net.net)
        workspace.SwitchWorkspace("default")

    workspace.SwitchWorkspace("default")
    return step, {"layout": "nchw", "labels": "sparse", "relu": "after_pool"}


def lasagne():
    import lasagne
    import theano
    from lasagne import layers as L
    from theano import tensor as T

    theano.config.floatX = "float32"
    inputs, y = L.InputLayer((None, 3, 32, 32)), T.ivector()
    net = inputs
    for filters in (50, 100):
        for _ in range(2):
            net = L.Conv2DLayer(net, num_filters=filters, filter_size=(3, 3), pad="same")
        net = L.DropoutLayer(L.MaxPool2DLayer(net, pool_size=(2, 2), stride=(2, 2)), 0.25)
    net = L.DropoutLayer(L.DenseLayer(L.FlattenLayer(net), 512), 0.5)
    net = L.DenseLayer(net, 10, nonlinearity=lasagne.nonlinearities.softmax)
    predicted = L.get_output(net)
    loss = T.mean(lasagne.objectives.categorical_crossentropy(predicted, y))
    accuracy = T.mean(T.eq(T.argmax(predicted, axis=1), y), dtype="float32")
    updates = lasagne.updates.momentum(loss, L.get_all_params(net), 0.01, 0.9)
    step = theano.function([inputs.input_var, y], [loss, accuracy], updates=updates)
    return step, {"precision": "float32", "layout": "nchw", "labels": "sparse", "relu": "before_pool"}


def keras_cnn(keras, layout):
    shape = {"nhwc": (32, 32, 3), "nchw": (3, 32, 32)}[layout]
    keras.backend.set_image_data_format({"nhwc": "channels_last", "nchw": "channels_first"}[layout])
    layers, net = keras.layers, keras.models.Sequential([keras.layers.InputLayer(shape)])
    for filters in (50, 100):
        net.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        net.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        net.add(layers.MaxPooling2D(2, 2))
        net.add(layers.Dropout(0.25))
    for layer in (
        layers.Flatten(),
        layers.Dense(512, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ):
        net.add(layer)
    net.compile(loss="categorical_crossentropy", optimizer=keras.optimizers.SGD(0.01, 0.9), metrics=["accuracy"])
    return net.train_on_batch, {"layout": layout, "labels": "one_hot", "relu": "before_pool"}


def keras2(layout):
    from adapters.keras2.backends import keras

    return keras_cnn(keras, layout)


def keras_gru(keras, **options):
    layers, net = keras.layers, keras.models.Sequential()
    for layer in (layers.Embedding(30000, 125), layers.GRU(100, **options), layers.Dense(2, activation="softmax")):
        net.add(layer)
    adam = keras.optimizers.Adam(0.001, 0.9, 0.999, epsilon=1e-8)  # by name: the fourth is amsgrad in Keras 2
    net.compile(loss="categorical_crossentropy", optimizer=adam, metrics=["accuracy"])
    return net.train_on_batch, {"sequence_layout": "ntc", "labels": "one_hot", "adam_epsilon": "plain_1e-8"}


def keras2_gru(**options):
    from adapters.keras2.backends import keras

    return keras_gru(keras, **options)


def set_threads(tf):
    """As the adapter does, but before the plain loop starts the runtime."""
    tf.config.threading.set_intra_op_parallelism_threads(2)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def keras3():
    """On the back end that KERAS_BACKEND names."""
    os.environ["NPROC"] = os.environ["PJRT_NPROC"] = "2"  # XLA reads them when it first computes
    if os.environ["KERAS_BACKEND"] == "tensorflow":
        import tensorflow as tf

        set_threads(tf)
    from adapters.keras3.backends import keras

    return keras


def keras3_cnn():
    return keras_cnn(keras3(), "nhwc")


def keras3_gru():
    return keras_gru(keras3())


def keras2_tensorflow(loop=lambda: keras2("nhwc")):
    import tensorflow as tf

    # A graph and a session of its own: the adapter clears Keras's.
    session = tf.Session(
        graph=tf.Graph(), config=tf.ConfigProto(intra_op_parallelism_threads=2, inter_op_parallelism_threads=2)
    )

    def within(function, *arguments):
        with session.graph.as_default(), session.as_default():
            return function(*arguments)

    step, published = within(loop)
    return lambda x, y: within(step, x, y), published


def keras2_tensorflow_gru():
    """The notebook's CuDNNGRU is what a CPU has as GRU(reset_after=True)."""
    step, published = keras2_tensorflow(lambda: keras2_gru(reset_after=True, recurrent_activation="sigmoid"))
    return step, dict(published, reset="after", gates="sigmoid")


PLAIN = {
    "pytorch": pytorch,
    "tensorflow": tensorflow,
    "mxnet-gluon": mxnet_gluon,
    "mxnet-module": mxnet_module,
    "chainer": chainer,
    "cntk": cntk,
    "keras2-cntk": lambda: keras2("nchw"),
    "keras2-theano": lambda: keras2("nchw"),
    "keras2-tensorflow": keras2_tensorflow,
    "keras3-tensorflow": keras3_cnn,
    "keras3-torch": keras3_cnn,
    "keras3-jax": keras3_cnn,
    "caffe2": caffe2,
    "lasagne": lasagne,
}
PLAIN_GRU = {
    "pytorch": pytorch_gru,
    "tensorflow": tensorflow_gru,
    "mxnet-gluon": mxnet_gluon_gru,
    "mxnet-module": mxnet_module_gru,
    "cntk": cntk_gru,
    "keras2-cntk": keras2_gru,
    "keras2-tensorflow": keras2_tensorflow_gru,
    "keras3-tensorflow": keras3_gru,
    "keras3-torch": keras3_gru,
    "keras3-jax": keras3_gru,
}
LOOPS = {"cnn": PLAIN, "gru": PLAIN_GRU}


def pictures(random, settings):
    x = random.rand(64, 3, 32, 32).astype(np.float32)
    return {"nchw": x, "nhwc": np.ascontiguousarray(x.transpose(0, 2, 3, 1))}[settings["layout"]]


def words(random, settings):
    x = random.randint(0, 30000, (64, 150)).astype(np.int32)
    return {"ntc": x, "tnc": np.ascontiguousarray(x.T)}[settings["sequence_layout"]]


EXAMPLES = {"cnn": pictures, "gru": words}


def stepping(name, model, side):
    """A step of the adapter, or of the plain loop, on a batch of its own, as a function without arguments."""
    spec, network = load_spec(name), NETWORKS[model]
    plain, published = LOOPS[model][name]()
    settings = dict(spec.native(model), **published)
    random = np.random.RandomState(0)
    x = EXAMPLES[model](random, settings)
    y = {"sparse": random.randint(0, network.classes, 64).astype(np.int32)}
    y["one_hot"] = np.eye(network.classes, dtype=np.float32)[y["sparse"]]
    y = y[settings["labels"]]
    if side == "plain":
        return lambda: plain(x, y)
    adapter = load(spec.models[model])(network, settings, 0)

    def step():
        adapter.train_step(x, y)
        adapter.synchronize()

    return step


def main(name, model, side):
    """Take some steps for each line of standard input, and say how long one took."""
    emit, step = Events(), stepping(name, model, side)
    for _ in sys.stdin:
        start = time.perf_counter()
        for _ in range(STEPS):
            step()
        emit("steps", seconds=(time.perf_counter() - start) / STEPS)


if __name__ == "__main__":
    main(*sys.argv[1:])
