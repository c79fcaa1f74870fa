"""Keras 2.3 on each of its back ends: defaults and supported settings."""

from adapters.contract.declarations import LOOP, NO_CPU, NO_CUDNN
from adapters.contract.spec import AdapterSpec, Conflict, Published, Supported, Unsupported

SHARED = {
    **LOOP,
    "layout": Supported("nhwc", "image_data_format in the keras.json that Keras creates; data_format of the layers"),
    "winograd": Unsupported("cuDNN chooses among all its algorithms; this back end can't exclude one"),
    "compile": Supported(
        "graph",
        "type of the network's input: a placeholder",
        limits={"eager": "Keras 2 builds a graph on each of these back ends before anything runs"},
    ),
    "precision": Supported(
        "float32",
        "keras.backend.floatx(); dtype of the weights",
        limits={
            "tf32": "the last version of this back end is for cuDNN 7, which has no TensorFloat-32",
            "bfloat16": "Keras 2's layers compute in their weights' type, keras.backend.floatx(), which can't be "
            "bfloat16",
        },
    ),
    "init": Supported(
        "glorot_uniform", "keras.layers.Conv2D(kernel_initializer='glorot_uniform'); read back from the weights"
    ),
    "bias_init": Supported("zeros", "keras.layers.Conv2D(bias_initializer='zeros'); read back from the weights"),
    "conv_bias": Supported("on", "keras.layers.Conv2D(use_bias=True)"),
    "conv_padding": Supported("valid", "keras.layers.Conv2D(padding='valid')"),
    "pool_stride": Supported("two", "keras.layers.MaxPooling2D(strides=None): the pool's size"),
    "relu": Supported("before_pool", "order of the layers in the network"),
    "momentum": Supported("classical", "keras.optimizers.SGD; read back from the optimizer's step on a gradient of 1"),
    "nesterov": Supported(
        "off", "keras.optimizers.SGD(nesterov=False); read back from the optimizer's step on a gradient of 1"
    ),
    "clip": Supported(
        "none", "keras.optimizers.SGD(clipvalue) is optional; read back from the optimizer's step on a gradient of 1"
    ),
    "input_gradient": Supported(
        "skipped",
        "keras.backend.gradients computes the requested gradients; the number of results of the step, one of which is "
        "the gradient",
    ),
    "dropout_at_test": Supported("off", "whether two predictions from one batch differ"),
    "loss": Supported(
        "probabilities",
        "keras.losses.categorical_crossentropy(from_logits=False); whether the loss depends on a softmax, and "
        "from_logits",
    ),
    "labels": Supported("one_hot", "to_categorical in Keras's examples; rank of the labels"),
    "loader": Unsupported("keras.utils.Sequence and generators are the user's code, which Keras reads only inside fit"),
    "sequence_layout": Supported(
        "ntc",
        "keras.layers.RNN's documentation; shape of the network's input",
        limits={"tnc": "Keras 2's recurrent layers take the examples first"},
    ),
    "padding": Supported("pre", "keras.preprocessing.sequence.pad_sequences(padding='pre'); position of the zeros"),
    "embedding_init": Supported(
        "uniform_005", "keras.layers.Embedding(embeddings_initializer='uniform'); read back from the weights"
    ),
    "embedding_gradient": Supported(
        "dense",
        "keras.optimizers.Adam squares the gradient, which makes it dense",
        limits={"sparse": "Keras 2's optimizers support dense gradients only"},
    ),
    "rnn_kernel": Supported(
        "cell", "type of the recurrent layer", limits={"fused": "keras.layers.CuDNNGRU needs the TensorFlow back end"}
    ),
    "rnn_init": Supported(
        "glorot_orthogonal",
        "keras.layers.GRU(kernel_initializer='glorot_uniform', recurrent_initializer='orthogonal'); read back from "
        "the weights",
    ),
    "reset": Supported("before", "keras.layers.GRU(reset_after=False); whether the state has a separate bias"),
    "gates": Supported(
        "sigmoid", "keras.layers.GRU(recurrent_activation='sigmoid'), new in Keras 2.3; the layer's function"
    ),
    "adam_epsilon": Supported(
        "plain_1e-7", "keras.backend.epsilon() is 1e-7; read back from the optimizer's steps on small gradients"
    ),
    "adam_count": Supported(
        "one",
        "read back from the optimizer's step on a gradient of 1",
        limits={"unordered": "this back end computes all updates from the values before the step"},
    ),
}


def spec(back_end, python, settings, **more):
    """Keras on one back end; `settings` are the positions that depend on it, `more` other fields of the declaration."""
    name = "keras2-" + back_end
    return AdapterSpec(
        name=name,
        framework="Keras",
        package="keras",
        module="adapters.keras2." + name.replace("-", "_"),
        python=python,
        models={"cnn": "adapters.keras2.cnn:Model", "gru": "adapters.keras2.gru:Model"},
        # THEANORC: ignore the user's configuration file. TF_CPP_MIN_LOG_LEVEL: log warnings and errors only.
        variables={"KERAS_BACKEND": back_end, "THEANORC": "", "TF_CPP_MIN_LOG_LEVEL": "2"},
        settings=dict(SHARED, **settings),
        **more,
    )


CNTK = spec(
    "cntk",
    "3.6",
    {
        "autotune": Supported(
            "on",
            "CNTK's documentation: cuDNN's algorithms are timed at the first batch",
            inert=NO_CUDNN,
            limits={"off": "CNTK's Python interface has no switch for it"},
        ),
        "cpu_kernels": Unsupported("convolutions always use Intel's kernels (MKL's, the origin of oneDNN)"),
        "input_gradient": Unsupported(
            "on CNTK keras.backend.gradients returns placeholders that a trainer fills, for weights only"
        ),
    },
    published={
        "cnn": Published("Keras_CNTK_CNN", {"layout": "nchw"}),
        "gru": Published("Keras_CNTK_RNN", {"padding": "post", "gates": "hard_sigmoid", "adam_epsilon": "plain_1e-8"}),
    },
    post_install="adapters.cntk.mpi_stubs",
)

THEANO = spec(
    "theano",
    "3.7",
    {
        "autotune": Supported(
            "off",
            "theano.config.dnn.conv.algo_fwd is small, algo_bwd_filter and algo_bwd_data are none",
            inert=NO_CUDNN,
        ),
        "cpu_kernels": Unsupported("Theano generates its operations in C and calls a BLAS; it has no oneDNN kernels"),
    },
    published={"cnn": Published("Keras_Theano_CNN", {"layout": "nchw", "autotune": "on"})},
    post_install="adapters.keras2.keras2_theano.complete",
)

TENSORFLOW = spec(
    "tensorflow",
    "3.7",
    {
        "autotune": Supported(
            "on",
            "TF_CUDNN_USE_AUTOTUNE, on if not set",
            inert=NO_CUDNN,
            variables={"off": {"TF_CUDNN_USE_AUTOTUNE": "0"}, "on": {"TF_CUDNN_USE_AUTOTUNE": "1"}},
        ),
        "winograd": Supported(
            "on",
            "TF_ENABLE_WINOGRAD_NONFUSED, on if not set (tensorflow/stream_executor/cuda/cuda_dnn.cc)",
            inert=NO_CUDNN,
            variables={"off": {"TF_ENABLE_WINOGRAD_NONFUSED": "0"}, "on": {"TF_ENABLE_WINOGRAD_NONFUSED": "1"}},
        ),
        "cpu_kernels": Supported(
            "onednn",
            "TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL, on if not set: single-precision products in Eigen, which "
            "convolutions and dense "
            "layers use, call MKL-DNN's kernel or Eigen's own (tensorflow/core/kernels/eigen_contraction_kernel.cc)",
            inert=NO_CPU,
            variables={
                "onednn": {"TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL": "1"},
                "own": {"TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL": "0"},
            },
        ),
        "loss": SHARED["loss"]._replace(
            native="logits",
            evidence="keras.losses.categorical_crossentropy(from_logits=False), which on this back end uses the "
            "scores from before "
            "the softmax that it receives (tensorflow.python.keras.backend); whether the loss depends on a softmax",
        ),
        "rnn_kernel": Supported("cell", "type of the recurrent layer: keras.layers.CuDNNGRU or GRU"),
        "adam_count": Supported(
            "unordered",
            "keras.optimizers.Adam reads and increments its counter without an order between the two; the operations' "
            "order in the graph",
        ),
    },
    published={
        "cnn": Published("Keras_TF_CNN", {}),
        "gru": Published(
            "Keras_TF_RNN", {"padding": "post", "rnn_kernel": "fused", "reset": "after", "adam_epsilon": "plain_1e-8"}
        ),
    },
    conflicts=(Conflict({"rnn_kernel": "fused"}, "keras.layers.CuDNNGRU runs on CUDA devices only", ("cpu",)),)
    + tuple(
        Conflict({"rnn_kernel": "fused", setting: choice}, "keras.layers.CuDNNGRU has no such choice", ("cuda",))
        for setting, choice in (("reset", "before"), ("gates", "hard_sigmoid"), ("precision", "float64"))
    )
    + tuple(
        Conflict(
            {"adam_epsilon": epsilon, "adam_count": "unordered"}, "the step that epsilon uses could differ from Adam's"
        )
        for epsilon in ("hat_1e-8", "hat_1e-7")
    ),
)
