"""The CNN in CNTK."""

import cntk as C
import numpy as np
from cntk import layers

from adapters.networks import cnn
from adapters.networks.cnn import CLIPS, LAYERS, STRIDES

# CNTK's he_uniform is U(-a, a), a = scale * sqrt(6 / fan_in); its he_normal is N(0, scale^2 * 2 / fan_in).
INITIALIZERS = {
    "glorot_uniform": lambda seed: C.glorot_uniform(seed=seed),
    "xavier_224": lambda seed: C.glorot_uniform(scale=(2.24 / 3) ** 0.5, seed=seed),
    "fan_in_uniform": lambda seed: C.he_uniform(scale=6**-0.5, seed=seed),
    "lecun_uniform": lambda seed: C.he_uniform(scale=2**-0.5, seed=seed),
    "lecun_normal": lambda seed: C.he_normal(scale=2**-0.5, seed=seed),
    "uniform_007": lambda seed: C.uniform(0.07, seed=seed),
    "uniform_001": lambda seed: C.uniform(0.01, seed=seed),
}
BIAS_INITIALIZERS = {
    "zeros": lambda fan_in, seed: 0,
    "fan_in_uniform": lambda fan_in, seed: C.uniform(fan_in**-0.5, seed=seed),
}
PRECISIONS = {"float32": np.float32, "float64": np.float64}
UNIT_GAIN = {"classical": False, "unit_gain": True}


class Model(cnn.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings = network, settings
        C.try_set_default_device(C.gpu(0) if network.device == "cuda" else C.cpu())
        C.cntk_py.set_max_num_cputhreads(max(2, network.threads))  # with one thread CNTK 2.7 crashes with SIGFPE
        C.cntk_py.set_fixed_random_seed(seed + 1)
        self.seeds = iter(range(1000 * seed + 1, 1000 * seed + 1000))
        self.dtype = PRECISIONS[settings["precision"]]
        with C.default_options(dtype=self.dtype):
            self.x, self.y, labels = self.inputs()
            self.net = self.build()(self.x)
            self.loss = self.build_loss(labels)
            self.trainer = C.Trainer(self.net, (self.loss, None), [self.build_optimizer(self.net.parameters)])
        self.layers = [self.net.find_by_name(name) for name in LAYERS]

    # Network

    def inputs(self):
        """(images, labels as given, labels as one-hot rows)."""
        gradient = self.settings["input_gradient"] == "computed"
        x = C.input_variable(self.network.input_shape, dtype=self.dtype, needs_gradient=gradient)
        if self.settings["labels"] == "one_hot":
            y = C.input_variable(self.network.classes, dtype=self.dtype)
            return x, y, y
        y = C.input_variable((), dtype=self.dtype)
        return x, y, C.one_hot(y, self.network.classes)

    def build(self):
        network, pool = self.network, self.orders()[self.settings["relu"]]
        (one, two), flat = network.filters, self.flat_size
        return layers.Sequential(
            [self.convolution("conv1", network.input_shape[0], one), C.relu, self.convolution("conv2", one, one)]
            + pool
            + [self.dropout(0)]
            + [self.convolution("conv3", one, two), C.relu, self.convolution("conv4", two, two)]
            + pool
            + [self.dropout(1)]
            + [self.dense("dense1", flat, network.hidden), C.relu, self.dropout(2)]
            + [self.dense("dense2", network.hidden, network.classes)]
        )

    def orders(self):
        pool = layers.MaxPooling((2, 2), strides=STRIDES[self.settings["pool_stride"]])
        return {"before_pool": [C.relu, pool], "after_pool": [pool, C.relu]}

    def convolution(self, name, inputs, outputs):
        pad, bias = self.settings["conv_padding"] == "same", self.settings["conv_bias"] == "on"
        return layers.Convolution2D((3, 3), outputs, pad=pad, bias=bias, name=name, **self.initializers(9 * inputs))

    def dense(self, name, inputs, outputs):
        return layers.Dense(outputs, name=name, **self.initializers(inputs))

    def initializers(self, fan_in):
        return {
            "init": INITIALIZERS[self.settings["init"]](next(self.seeds)),
            "init_bias": BIAS_INITIALIZERS[self.settings["bias_init"]](fan_in, next(self.seeds)),
        }

    def dropout(self, position):
        rate = self.network.dropout[position]
        return layers.Dropout(rate, seed=next(self.seeds)) if rate else layers.identity

    # Loss

    def build_loss(self, labels):
        # The framework's cross-entropy applies softmax itself.
        scores = {"logits": self.net, "softmax_twice": C.softmax(self.net)}[self.settings["loss"]]
        return C.cross_entropy_with_softmax(scores, labels)

    # Optimizer

    def build_optimizer(self, parameters):
        learner = {"off": C.momentum_sgd, "on": C.nesterov}[self.settings["nesterov"]]
        return learner(
            parameters,
            lr=C.learning_parameter_schedule(self.network.learning_rate),
            momentum=C.momentum_schedule(self.network.momentum),
            unit_gain=UNIT_GAIN[self.settings["momentum"]],
            # A rate without a minibatch size applies to the mean gradient, and so does the limit.
            gradient_clipping_threshold_per_sample=CLIPS[self.settings["clip"]] or np.inf,
            gradient_clipping_with_truncation=True,
        )

    # Step

    def train_step(self, x, y):
        self.trainer.train_minibatch({self.x: x, self.y: self.labels(y)})
        return self.trainer.previous_minibatch_loss_average

    def labels(self, y):
        """In the precision of the network; the loader's already are."""
        return y.astype(self.dtype, copy=False) if isinstance(y, np.ndarray) else y

    def load(self, x, y, batches):
        """CNTK's loader reads sequentially, so it receives the epoch's examples in order."""
        order = batches.ravel()
        source = C.io.MinibatchSourceFromData({"x": x[order], "y": self.labels(y[order])}, max_samples=len(order))
        for batch in batches:
            minibatch = source.next_minibatch(len(batch))
            yield minibatch[source.streams.x], minibatch[source.streams.y]

    # Predict

    def predict(self, x):
        return {"off": self.infer, "on": self.infer_as_in_training}[self.settings["dropout_at_test"]](x)

    def infer(self, x):
        return self.net.eval({self.x: x})

    def infer_as_in_training(self, x):
        """Keeping the state for a backward pass makes CNTK run as in training, with dropout."""
        _, scores = self.net.forward({self.x: x}, [self.net.output], keep_for_backward={self.net.output})
        return scores[self.net.output]

    # Weights

    def get_weights(self):
        weights = {}
        for name, layer in zip(LAYERS, self.layers):
            weight = layer.W.value
            weights[name + ".weight"] = weight if name.startswith("conv") else weight.reshape(-1, weight.shape[-1])
            if hasattr(layer, "b"):
                weights[name + ".bias"] = layer.b.value.reshape(-1)
        return weights

    def set_weights(self, weights):
        for name, layer in zip(LAYERS, self.layers):
            layer.W.value = self.shaped(weights[name + ".weight"], layer.W)
            if hasattr(layer, "b"):
                layer.b.value = self.shaped(weights[name + ".bias"], layer.b)

    def shaped(self, array, parameter):
        return np.ascontiguousarray(array.reshape(parameter.shape), dtype=self.dtype)

    # Report

    def report(self):
        operations = C.logging.graph.depth_first_search(self.loss, lambda node: hasattr(node, "op_name"))
        pooling = [node for node in operations if node.op_name == "MaxPooling"][0]
        kinds, stride = [node.op_name for node in operations], self.primitive("Pooling").attributes["strides"][0]
        return dict(
            self.identify_initializers(),
            layout="nchw" if self.x.shape == self.network.input_shape else "nhwc",
            autotune="on",
            compile="graph" if isinstance(self.net, C.Function) else "eager",
            precision=np.dtype(self.layers[0].W.dtype).name,
            conv_bias="on" if hasattr(self.layers[0], "b") else "off",
            conv_padding="same" if self.primitive("Convolution").attributes["autoPadding"][-1] else "valid",
            pool_stride={step: name for name, step in STRIDES.items()}[stride],
            input_gradient="computed" if self.x.needs_gradient else "skipped",
            relu="before_pool" if pooling.inputs[0].owner.op_name == "ReLU" else "after_pool",
            dropout_at_test=self.read_dropout(),
            loss="softmax_twice" if "Softmax" in kinds else "logits",
            **self.identify_update(self.first_move()),
        )

    def primitive(self, kind):
        """The first operation of a kind; CNTK's layers are blocks of operations."""
        inside = C.logging.graph.depth_first_search(self.net, lambda node: isinstance(node, C.Function), depth=-1)
        return [node for node in inside if not node.is_block and node.op_name == kind][0]

    def first_move(self):
        weight = C.parameter((1,), init=0, dtype=np.float32)
        gradient = C.NDArrayView.from_dense(np.ones(1, np.float32))
        self.build_optimizer([weight]).update({weight: gradient}, 1)
        return -float(weight.value[0])

    def read_dropout(self):
        x = np.ones((1,) + self.network.input_shape, self.dtype)
        return "off" if np.array_equal(self.predict(x), self.predict(x)) else "on"
