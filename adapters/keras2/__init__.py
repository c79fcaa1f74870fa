"""What Keras 2.3 does on each of its back ends if nobody asks, and what it can be asked for."""
from adapters.spec import AdapterSpec, Published, Supported

SHARED = {
    "layout": Supported("nhwc", ("nchw", "nhwc"), "image_data_format in the keras.json that Keras writes; data_format of the layers"),
    "compile": Supported(
        "graph", ("graph",), "type of the network's input: a placeholder",
        limits={"eager": "Keras 2 makes a graph on each of these back ends before anything runs"},
    ),
    "precision": Supported("float32", ("float32", "float64"), "keras.backend.floatx(); dtype of the weights"),
    "init": Supported(
        "glorot_uniform",
        ("glorot_uniform", "xavier_224", "fan_in_uniform", "lecun_uniform", "lecun_normal", "lecun_truncated", "uniform_007"),
        "keras.layers.Conv2D(kernel_initializer='glorot_uniform'); read back from the weights",
    ),
    "bias_init": Supported(
        "zeros", ("zeros", "fan_in_uniform"), "keras.layers.Conv2D(bias_initializer='zeros'); read back from the weights"
    ),
    "relu": Supported("before_pool", ("before_pool", "after_pool"), "order of the layers in the network"),
    "momentum": Supported("classical", ("classical", "unit_gain"), "keras.optimizers.SGD; what the optimiser makes of a gradient of 1"),
    "nesterov": Supported("off", ("off", "on"), "keras.optimizers.SGD(nesterov=False); what the optimiser makes of a gradient of 1"),
    "dropout_at_test": Supported("off", ("off", "on"), "whether two predictions from one batch differ"),
    "loss": Supported(
        "probabilities", ("logits", "probabilities", "softmax_twice"),
        "keras.losses.categorical_crossentropy(from_logits=False); whether the loss depends on a softmax, and its from_logits",
    ),
    "labels": Supported("one_hot", ("sparse", "one_hot"), "to_categorical in Keras's own examples; rank of the labels"),
}


def spec(back_end, python, settings, published, post_install=""):
    """Keras on one back end; `settings` are the positions that depend on it."""
    name = "keras2-" + back_end
    return AdapterSpec(
        name=name,
        framework="Keras",
        package="keras",
        module="adapters.keras2." + name.replace("-", "_"),
        python=python,
        models={"cnn": "adapters.keras2.cnn:Model"},
        # THEANORC: no user's file changes what is in force. TF_CPP_MIN_LOG_LEVEL: the log is for what went wrong.
        variables={"KERAS_BACKEND": back_end, "THEANORC": "", "TF_CPP_MIN_LOG_LEVEL": "2"},
        settings=dict(SHARED, **settings),
        published=published,
        post_install=post_install,
    )


CNTK = spec(
    "cntk",
    "3.6",
    {
        "autotune": Supported(
            "on", ("on",), "CNTK's documentation: cuDNN's algorithms are timed at the first batch",
            inert={"cpu": "cuDNN runs on CUDA devices only"},
            limits={"off": "CNTK's Python interface has no switch for it"},
        ),
    },
    published={"cnn": Published("Keras_CNTK_CNN", {"layout": "nchw"})},
    post_install="adapters.cntk.mpi_stubs",
)

THEANO = spec(
    "theano",
    "3.7",
    {
        "autotune": Supported(
            "off", ("off", "on"), "theano.config.dnn.conv.algo_fwd is small, algo_bwd_filter and algo_bwd_data are none",
            inert={"cpu": "cuDNN runs on CUDA devices only"},
        ),
    },
    published={"cnn": Published("Keras_Theano_CNN", {"layout": "nchw", "autotune": "on"})},
)

TENSORFLOW = spec(
    "tensorflow",
    "3.7",
    {
        "autotune": Supported(
            "on", ("off", "on"), "TF_CUDNN_USE_AUTOTUNE, on if not set",
            inert={"cpu": "cuDNN runs on CUDA devices only"},
            variables={"off": {"TF_CUDNN_USE_AUTOTUNE": "0"}, "on": {"TF_CUDNN_USE_AUTOTUNE": "1"}},
        ),
        "loss": SHARED["loss"]._replace(
            native="logits",
            evidence="keras.losses.categorical_crossentropy(from_logits=False), which on this back end takes the scores from before "
            "the softmax that it receives (tensorflow.python.keras.backend); whether the loss depends on a softmax",
        ),
    },
    published={"cnn": Published("Keras_TF_CNN", {})},
)
