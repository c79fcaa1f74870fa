"""The GRU in TensorFlow 2, with its own operations: Keras has a separate adapter."""

import tensorflow as tf

from adapters.networks import gru
from adapters.networks.gru import epsilon_of
from adapters.tensorflow.losses import cross_entropy, softmax_cross_entropy
from adapters.tensorflow.precision import COMPUTED, PRECISIONS, read_kernels, read_precision, set_precision
from adapters.tensorflow.runtime import configure_devices, graph

# The default initializer of tf.compat.v1.get_variable.
OWN = {"init": "glorot_uniform", "bias_init": "zeros", "embedding_init": "glorot_uniform", "rnn_init": "glorot_uniform"}
GATES = {"sigmoid": tf.sigmoid, "hard_sigmoid": lambda x: tf.clip_by_value(0.2 * x + 0.5, 0.0, 1.0)}
TIME_AXES = {"tnc": 0, "ntc": 1}


class Model(gru.Model):
    def __init__(self, network, settings, seed):
        self.network, self.settings = network, settings
        configure_devices(network)
        set_precision(settings)
        tf.random.set_seed(seed)
        self.dtype, self.computed = PRECISIONS[settings["precision"]], COMPUTED[settings["precision"]]
        self.gate, self.time_axis = GATES[settings["gates"]], TIME_AXES[settings["sequence_layout"]]
        self.weights = self.build()
        self.loss = self.build_loss()
        self.powers, self.moments = self.build_optimizer(self.weights.values())
        self.step, self.scores = self.build_step()
        self.redraw(seed, OWN)

    # Network

    def build(self):
        network, gates = self.network, 3 * self.network.hidden
        kernel, bias = tf.compat.v1.glorot_uniform_initializer(), tf.zeros_initializer()
        shapes = {
            "embedding.weight": (network.vocabulary, network.embedding),
            "gru.input_weight": (network.embedding, gates),
            "gru.hidden_weight": (network.hidden, gates),
            "gru.input_bias": (gates,),
            "gru.hidden_bias": (gates,),
            "dense.weight": (network.hidden, network.classes),
            "dense.bias": (network.classes,),
        }
        if self.settings["reset"] == "before":
            del shapes["gru.hidden_bias"]
        return {
            name: tf.Variable((kernel if name.endswith("weight") else bias)(shape, self.dtype))
            for name, shape in shapes.items()
        }

    def forward(self, x):
        x = x if self.time_axis == 0 else tf.transpose(x)
        vectors = tf.cast(tf.gather(self.weights["embedding.weight"], x), self.computed)
        sums = tf.tensordot(vectors, self.cast("gru.input_weight"), 1) + self.cast("gru.input_bias")
        cell = {"after": self.reset_after, "before": self.reset_before}[self.settings["reset"]]
        # An array of steps, not sums[step]: each step's gradient of a slice would have the size of all steps.
        steps = tf.TensorArray(self.computed, self.network.tokens).unstack(sums)
        start = tf.zeros((sums.shape[1], self.network.hidden), self.computed)
        _, state = tf.while_loop(
            lambda step, state: step < self.network.tokens,
            lambda step, state: (step + 1, cell(state, steps.read(step))),
            (0, start),
        )
        return tf.cast(tf.matmul(state, self.cast("dense.weight")) + self.cast("dense.bias"), self.dtype)

    def cast(self, name):
        """Called inside the loop, so that the gradients of its steps add up in the variable's precision."""
        return tf.cast(self.weights[name], self.computed)

    def reset_after(self, state, sums):
        products = tf.matmul(state, self.cast("gru.hidden_weight")) + self.cast("gru.hidden_bias")
        (sum_r, sum_z, sum_n), (product_r, product_z, product_n) = tf.split(sums, 3, 1), tf.split(products, 3, 1)
        update = self.gate(sum_z + product_z)
        candidate = tf.tanh(sum_n + self.gate(sum_r + product_r) * product_n)
        return (1.0 - update) * candidate + update * state

    def reset_before(self, state, sums):
        kernel_r, kernel_z, kernel_n = tf.split(self.cast("gru.hidden_weight"), 3, 1)
        sum_r, sum_z, sum_n = tf.split(sums, 3, 1)
        update = self.gate(sum_z + tf.matmul(state, kernel_z))
        reset = self.gate(sum_r + tf.matmul(state, kernel_r))
        candidate = tf.tanh(sum_n + tf.matmul(reset * state, kernel_n))
        return (1.0 - update) * candidate + update * state

    # Loss

    def build_loss(self):
        return {"logits": cross_entropy, "softmax_twice": softmax_cross_entropy}[self.settings["loss"]]

    # Optimizer

    def build_optimizer(self, variables):
        """(powers of the decay rates for the next step, first and second moments of each variable)."""
        powers = [tf.Variable(decay, dtype=self.dtype) for decay in (self.network.beta1, self.network.beta2)]
        return powers, [
            (tf.Variable(tf.zeros_like(variable)), tf.Variable(tf.zeros_like(variable))) for variable in variables
        ]

    def update(self, variables, gradients, powers, moments):
        network, (form, epsilon) = self.network, epsilon_of(self.settings["adam_epsilon"])
        rate, beta1, beta2, epsilon = (
            tf.constant(value, self.dtype) for value in (network.learning_rate, network.beta1, network.beta2, epsilon)
        )
        if form == "hat":  # the operation adds epsilon to the root of the uncorrected second moment
            epsilon *= tf.sqrt(1.0 - powers[1])
        for variable, (mean, square), gradient in zip(variables, moments, gradients):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=mean.handle,
                v=square.handle,
                beta1_power=powers[0],
                beta2_power=powers[1],
                lr=rate,
                beta1=beta1,
                beta2=beta2,
                epsilon=epsilon,
                grad=tf.convert_to_tensor(gradient),
            )
        for power, decay in zip(powers, (beta1, beta2)):
            power.assign(power * decay)

    # Step

    def build_step(self):
        shape = (self.network.tokens, self.network.batch_size)
        words = tf.TensorSpec(shape if self.time_axis == 0 else shape[::-1], tf.int32)
        step = {"eager": lambda f: f, "graph": graph}[self.settings["compile"]](self.forward_backward)
        return step, graph(self.forward, input_signature=[words])

    def forward_backward(self, x, y):
        with tf.GradientTape() as tape:
            loss = self.loss(self.forward(x), y)
        variables = list(self.weights.values())
        self.update(variables, tape.gradient(loss, variables), self.powers, self.moments)
        return loss

    def train_step(self, x, y):
        return self.step(tf.convert_to_tensor(x), tf.convert_to_tensor(y))

    # Predict

    def predict(self, x):
        return self.scores(tf.convert_to_tensor(x)).numpy()

    def synchronize(self):
        tf.test.experimental.sync_devices()

    # Weights

    def get_weights(self):
        return {name: self.turned(name, variable.numpy()) for name, variable in self.weights.items()}

    def set_weights(self, weights):
        for name, variable in self.weights.items():
            variable.assign(self.turned(name, weights[name]))

    @staticmethod
    def turned(name, array):
        """Canonical recurrent kernels are (out, in), here (in, out); the order of the gates is the same."""
        return array.T if name in ("gru.input_weight", "gru.hidden_weight") else array

    # Report

    def report(self):
        operations = self.scores.get_concrete_function().graph.get_operations()
        kinds = [operation.type for operation in operations]
        return dict(
            self.identify_initializers(),
            sequence_layout="tnc" if self.time_axis == 0 else "ntc",
            compile="graph" if hasattr(self.step, "get_concrete_function") else "eager",
            cpu_kernels=read_kernels(),
            precision=read_precision(operations[kinds.index("MatMul")]),
            embedding_gradient="dense",
            rnn_kernel="cell" if "While" in kinds or "StatelessWhile" in kinds else "fused",
            reset="after" if "gru.hidden_bias" in self.weights else "before",
            gates={function: name for name, function in GATES.items()}[self.gate],
            loss="softmax_twice" if self.loss is softmax_cross_entropy else "logits",
            **self.identify_adam(self.first_move),
        )

    def first_move(self, gradient):
        weight = tf.Variable(tf.zeros(1, self.dtype))
        self.update([weight], [tf.fill([1], tf.cast(gradient, self.dtype))], *self.build_optimizer([weight]))
        return -float(weight[0])
