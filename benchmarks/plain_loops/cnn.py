"""The published notebooks' CNN, as a training step of each framework. Each is the shortest faithful port.

Runs in a framework's interpreter (Python 3.6 and later).
"""

import numpy as np

from benchmarks.plain_loops.frameworks import in_keras2_graph, keras2, keras3


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


def keras_loop(keras, layout):
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


LOOPS = {
    "pytorch": pytorch,
    "tensorflow": tensorflow,
    "mxnet-gluon": mxnet_gluon,
    "mxnet-module": mxnet_module,
    "chainer": chainer,
    "cntk": cntk,
    "keras2-cntk": lambda: keras_loop(keras2(), "nchw"),
    "keras2-theano": lambda: keras_loop(keras2(), "nchw"),
    "keras2-tensorflow": lambda: in_keras2_graph(lambda: keras_loop(keras2(), "nhwc")),
    "keras3-tensorflow": lambda: keras_loop(keras3(), "nhwc"),
    "keras3-torch": lambda: keras_loop(keras3(), "nhwc"),
    "keras3-jax": lambda: keras_loop(keras3(), "nhwc"),
    "caffe2": caffe2,
    "lasagne": lasagne,
}


def examples(random, settings):
    x = random.rand(64, 3, 32, 32).astype(np.float32)
    return {"nchw": x, "nhwc": np.ascontiguousarray(x.transpose(0, 2, 3, 1))}[settings["layout"]]
