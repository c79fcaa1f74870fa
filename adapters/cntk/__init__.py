"""What CNTK does if nobody asks, and what it can be asked for."""
from adapters.spec import AdapterSpec, Supported

SPEC = AdapterSpec(
    name="cntk",
    framework="CNTK",
    package="cntk",
    module="adapters.cntk",
    python="3.6",
    models={"cnn": "adapters.cntk.cnn:Model"},
    post_install="adapters.cntk.mpi_stubs",
    settings={
        "layout": Supported(
            "nchw", ("nchw",), "shape of the input variable",
            limits={"nhwc": "CNTK takes channels first only, and reads a channels-last picture as one without an error"},
        ),
        "autotune": Supported(
            "on", ("on",), "CNTK's documentation: cuDNN's algorithms are timed at the first batch",
            inert={"cpu": "cuDNN runs on CUDA devices only"},
            limits={"off": "CNTK's Python interface has no switch for it"},
        ),
        "compile": Supported(
            "graph", ("graph",), "every CNTK function is a graph",
            limits={"eager": "CNTK builds a graph before anything runs"},
        ),
        "precision": Supported("float32", ("float32", "float64"), "dtype of the parameters"),
        "init": Supported(
            "glorot_uniform",
            ("glorot_uniform", "xavier_224", "fan_in_uniform", "lecun_uniform", "lecun_normal", "uniform_007", "uniform_001"),
            "cntk.layers.Convolution2D(init=glorot_uniform()); read back from the weights",
            limits={"lecun_truncated": "CNTK's layers take no truncated normal: they ask it for a filter rank, which it lacks"},
        ),
        "bias_init": Supported(
            "zeros", ("zeros", "fan_in_uniform"),
            "cntk.layers.Convolution2D(init_bias=0); read back from the weights",
        ),
        "relu": Supported("before_pool", ("before_pool", "after_pool"), "what the pooling's input is made by"),
        "momentum": Supported(
            "unit_gain", ("classical", "unit_gain"),
            "cntk.default_unit_gain_value() is True; read back from what a like learner does to one weight",
        ),
        "nesterov": Supported("off", ("off", "on"), "cntk.momentum_sgd is not cntk.nesterov; what a like learner makes of a gradient of 1"),
        "dropout_at_test": Supported("off", ("off", "on"), "the method that predicts: eval infers, forward trains"),
        "loss": Supported(
            "logits", ("logits", "softmax_twice"), "softmax in the loss's graph",
            limits={"probabilities": "cntk.cross_entropy_with_softmax takes scores"},
        ),
        "labels": Supported("one_hot", ("sparse", "one_hot"), "cntk.cross_entropy_with_softmax takes rows; rank of the labels"),
    },
)
