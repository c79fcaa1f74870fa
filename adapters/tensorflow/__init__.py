"""TensorFlow 2: defaults and supported settings."""

from adapters.contract.declarations import LOOP, NO_CPU, NO_CUDNN, NO_TF32, NO_TRANSPOSITION
from adapters.contract.spec import AdapterSpec, Conflict, Published, Supported

SPEC = AdapterSpec(
    name="tensorflow",
    framework="TensorFlow",
    package="tensorflow",
    module="adapters.tensorflow",
    python="3.11",
    models={"cnn": "adapters.tensorflow.cnn:Model", "gru": "adapters.tensorflow.gru:Model"},
    published={
        "cnn": Published("Tensorflow_CNN", {"relu": "after_pool"}),
        # CudnnGRU, U(-0.1, 0.1) for 100 units; the workload has no trainable initial state.
        "gru": Published("Tensorflow_RNN", {"rnn_init": "hidden_uniform", "sequence_layout": "tnc"}),
    },
    variables={"TF_CPP_MIN_LOG_LEVEL": "2"},
    conflicts=(
        Conflict(
            {"layout": "nchw", "compile": "eager"}, "max-pooling channels-first has no eager CPU kernel", ("cpu",)
        ),
        Conflict(
            {"layout": "nchw", "precision": "float64"}, "max-pooling channels-first has no float64 CPU kernel", ("cpu",)
        ),
        Conflict(
            {"layout": "nchw", "precision": "bfloat16"},
            "max-pooling channels-first has no bfloat16 kernel on every CPU",
            ("cpu",),
        ),
        Conflict(
            {"layout": "nchw", "cpu_kernels": "own"},
            "max-pooling channels-first has no CPU kernel but oneDNN's",
            ("cpu",),
        ),
        NO_TF32,
        NO_TRANSPOSITION,
    ),
    settings={
        **LOOP,
        "layout": Supported("nhwc", "data_format of the convolutions in the traced graph"),
        "autotune": Supported(
            "on",
            "TF_CUDNN_USE_AUTOTUNE, on if not set",
            inert=NO_CUDNN,
            variables={"off": {"TF_CUDNN_USE_AUTOTUNE": "0"}, "on": {"TF_CUDNN_USE_AUTOTUNE": "1"}},
        ),
        "winograd": Supported(
            "on",
            "TF_ENABLE_WINOGRAD_NONFUSED, on if not set: without it cuDNN's engines marked as Winograd are excluded",
            inert=NO_CUDNN,
            variables={"off": {"TF_ENABLE_WINOGRAD_NONFUSED": "0"}, "on": {"TF_ENABLE_WINOGRAD_NONFUSED": "1"}},
        ),
        "cpu_kernels": Supported(
            "onednn",
            "TF_ENABLE_ONEDNN_OPTS; if not set, on where the CPU has AVX512-VNNI and off elsewhere: set explicitly, "
            "so that all nodes run the same",
            inert=NO_CPU,
            variables={"onednn": {"TF_ENABLE_ONEDNN_OPTS": "1"}, "own": {"TF_ENABLE_ONEDNN_OPTS": "0"}},
        ),
        "compile": Supported(
            "graph",
            "this adapter uses tf.function, as TensorFlow's guides do; type of the training step: whether tf.function "
            "wraps it",
        ),
        "precision": Supported(
            "float32",
            "type of the products in the traced graph; tf.config.experimental.tensor_float_32_execution_enabled(), "
            "True by default",
        ),
        "init": Supported(
            "glorot_uniform", "tf.keras.layers.Conv2D and tf.compat.v1.get_variable; read back from the weights"
        ),
        "bias_init": Supported("zeros", "tf.keras.layers.Conv2D; read back from the weights"),
        "conv_bias": Supported(
            "on", "tf.keras.layers.Conv2D(use_bias=True); an addition after the convolution in the traced graph"
        ),
        "conv_padding": Supported(
            "valid", "tf.keras.layers.Conv2D(padding='valid'); tf.nn.conv2d has no default; in the traced graph"
        ),
        "pool_stride": Supported(
            "two",
            "tf.keras.layers.MaxPool2D(strides=None): the pool's size; tf.nn.max_pool2d has no default; in the traced "
            "graph",
        ),
        "relu": Supported("before_pool", "order of the operations in the traced graph"),
        "momentum": Supported("classical", "learning rate that the update operation receives"),
        "nesterov": Supported(
            "off", "ResourceApplyMomentum(use_nesterov=False); read back from the operation's step on a gradient of 1"
        ),
        "clip": Supported("none", "tf.clip_by_value is a separate call; read back from a step on a gradient of 1"),
        "input_gradient": Supported(
            "skipped", "tf.GradientTape watches variables, and tensors on request; outputs of the traced step"
        ),
        "dropout_at_test": Supported("off", "dropout operations in the traced prediction"),
        "loss": Supported(
            "logits",
            "softmax before the loss in the traced graph",
            limits={"probabilities": "tf.nn's cross-entropies take scores (Keras has one that takes probabilities)"},
        ),
        "labels": Supported("sparse", "rank of the labels"),
        "loader": Supported("generator", "TensorFlow accepts any tensors; tf.data.Dataset is optional"),
        "sequence_layout": Supported(
            "ntc", "tf.compat.v1.nn.dynamic_rnn(time_major=False); axis that the loop runs over"
        ),
        "padding": Supported("post", "tf.RaggedTensor.to_tensor pads at the end; position of the zeros"),
        "embedding_init": Supported("glorot_uniform", "tf.compat.v1.get_variable; read back from the weights"),
        "embedding_gradient": Supported(
            "dense",
            "tf.compat.v1.train.AdamOptimizer sums repeated words and updates every row",
            limits={"sparse": "TensorFlow's own Adam treats the gradient as dense (Keras's does not)"},
        ),
        "rnn_kernel": Supported(
            "cell",
            "loop in the traced graph",
            limits={"fused": "CudnnRNNV3 has no CPU kernel and a different weight layout"},
        ),
        "rnn_init": Supported("glorot_uniform", "tf.compat.v1.get_variable; read back from the weights"),
        "reset": Supported("after", "tf.raw_ops.CudnnRNNV3(rnn_mode='gru'); whether the state has a separate bias"),
        "gates": Supported("sigmoid", "tf.raw_ops.CudnnRNNV3; the function in use"),
        "adam_epsilon": Supported(
            "plain_1e-8",
            "tf.compat.v1.train.AdamOptimizer(epsilon=1e-8); read back from the operation's steps on small gradients",
        ),
        "adam_count": Supported(
            "one",
            "read back from the operation's step on a gradient of 1",
            limits=dict.fromkeys(
                ("two", "unordered"), "the powers of the decay rates are updated after the step, in order"
            ),
        ),
    },
)
