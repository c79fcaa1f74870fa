"""What MXNet does if nobody asks, and what it can be asked for: two interfaces, one library and one environment."""
from adapters.spec import AdapterSpec, Published, Supported

INIT_CHOICES = ("glorot_uniform", "xavier_224", "fan_in_uniform", "lecun_uniform", "lecun_normal", "uniform_007", "uniform_001")
NO_TRUNCATED = {"lecun_truncated": "mxnet.init has no truncated normal"}

SHARED = {
    "layout": Supported(
        "nchw", ("nchw",), "layout of the convolution layers",
        limits={"nhwc": "MXNet's convolution has no channels-last CPU kernel, and its GPU one only with float16"},
    ),
    "autotune": Supported(
        "on", ("off", "on"), "MXNET_CUDNN_AUTOTUNE_DEFAULT, 1 if not set",
        inert={"cpu": "cuDNN runs on CUDA devices only"},
        variables={"off": {"MXNET_CUDNN_AUTOTUNE_DEFAULT": "0"}, "on": {"MXNET_CUDNN_AUTOTUNE_DEFAULT": "1"}},
    ),
    "precision": Supported("float32", ("float32", "float64"), "dtype of the parameters"),
    "relu": Supported("before_pool", ("before_pool", "after_pool"), "order of the layers in the network"),
    "momentum": Supported("classical", ("classical", "unit_gain"), "what the optimiser makes of a gradient of 1"),
    "nesterov": Supported("off", ("off", "on"), "mxnet.optimizer.SGD is not NAG; what the optimiser makes of a gradient of 1"),
}

GLUON = AdapterSpec(
    name="mxnet-gluon",
    framework="MXNet",
    package="mxnet",
    module="adapters.mxnet",
    python="3.11",
    models={"cnn": "adapters.mxnet.gluon_cnn:Model"},
    settings=dict(
        SHARED,
        compile=Supported("eager", ("eager", "graph"), "whether the network is hybridized"),
        init=Supported(
            "uniform_007", INIT_CHOICES, "Block.initialize(init=Uniform()), scale=0.07; read back from the weights",
            limits=NO_TRUNCATED,
        ),
        bias_init=Supported("zeros", ("zeros", "fan_in_uniform"), "bias_initializer; read back from the weights"),
        dropout_at_test=Supported("off", ("off", "on"), "autograd.is_training() while predicting"),
        loss=Supported(
            "logits", ("logits", "softmax_twice"), "the loss in use; it includes softmax",
            limits={"probabilities": "Gluon's loss takes scores or log-probabilities"},
        ),
        labels=Supported("sparse", ("sparse", "one_hot"), "rank of the labels"),
    ),
    published={
        "cnn": Published("Gluon_CNN", {"init": "xavier_224", "relu": "after_pool"}, {"dropout": (0.25, 0.25, 0.25)}),
    },
)

MODULE = AdapterSpec(
    name="mxnet-module",
    framework="MXNet",
    package="mxnet",
    module="adapters.mxnet",
    python="3.11",
    models={"cnn": "adapters.mxnet.module_cnn:Model"},
    settings=dict(
        SHARED,
        compile=Supported(
            "graph", ("graph",), "Module.binded: the symbol is bound to an executor",
            limits={"eager": "a Module binds a whole symbol before anything runs"},
        ),
        init=Supported(
            "uniform_001", INIT_CHOICES, "Module.init_params(initializer=Uniform(0.01)); read back from the weights",
            limits=NO_TRUNCATED,
        ),
        bias_init=Supported(
            "zeros", ("zeros", "fan_in_uniform"),
            "mxnet.init.Initializer fills what is called bias with zeros; read back from the weights",
        ),
        dropout_at_test=Supported("off", ("off", "on"), "whether two predictions differ; forward(is_train=False)"),
        loss=Supported(
            "logits", ("logits", "softmax_twice"), "operations of the bound symbol: SoftmaxOutput includes softmax",
            limits={"probabilities": "SoftmaxOutput takes scores, and no operation of MXNet's is a loss of probabilities"},
        ),
        labels=Supported("sparse", ("sparse", "one_hot"), "SoftmaxOutput takes either; rank of the labels"),
    ),
    published={"cnn": Published("MXNet_CNN", {"init": "glorot_uniform", "relu": "after_pool"})},
)
