"""What MXNet does if nobody asks, and what it can be asked for."""
from adapters.spec import AdapterSpec, Supported

GLUON = AdapterSpec(
    name="mxnet-gluon",
    framework="MXNet",
    package="mxnet",
    module="adapters.mxnet",
    python="3.11",
    models={"cnn": "adapters.mxnet.gluon_cnn:Model"},
    settings={
        "layout": Supported(
            "nchw", ("nchw",), "layout of the convolution layers",
            limits={"nhwc": "MXNet's convolution has no channels-last CPU kernel, and its GPU one only with float16"},
        ),
        "autotune": Supported(
            "on", ("off", "on"), "MXNET_CUDNN_AUTOTUNE_DEFAULT, 1 if not set",
            inert={"cpu": "cuDNN runs on CUDA devices only"},
            variables={"off": {"MXNET_CUDNN_AUTOTUNE_DEFAULT": "0"}, "on": {"MXNET_CUDNN_AUTOTUNE_DEFAULT": "1"}},
        ),
        "compile": Supported("eager", ("eager", "graph"), "whether the network is hybridized"),
        "precision": Supported("float32", ("float32", "float64"), "dtype of the parameters"),
        "init": Supported(
            "uniform_007", ("glorot_uniform", "xavier_224", "fan_in_uniform", "lecun_uniform", "lecun_normal", "uniform_007"),
            "Block.initialize(init=Uniform()), scale=0.07; read back from the weights",
            limits={"lecun_truncated": "mxnet.init has no truncated normal"},
        ),
        "bias_init": Supported("zeros", ("zeros", "fan_in_uniform"), "bias_initializer; read back from the weights"),
        "relu": Supported("before_pool", ("before_pool", "after_pool"), "order of the blocks in the network"),
        "momentum": Supported("classical", ("classical", "unit_gain"), "learning rate of the trainer"),
        "nesterov": Supported("off", ("off", "on"), "mxnet.optimizer.SGD is not NAG; what the optimiser makes of a gradient of 1"),
        "dropout_at_test": Supported("off", ("off", "on"), "autograd.is_training() while predicting"),
        "loss": Supported(
            "logits", ("logits", "softmax_twice"), "the loss in use; it includes softmax",
            limits={"probabilities": "Gluon's loss takes scores or log-probabilities"},
        ),
        "labels": Supported("sparse", ("sparse", "one_hot"), "rank of the labels"),
    },
)
