"""What Caffe2 does if nobody asks, and what it can be asked for."""
from adapters.spec import AdapterSpec, Published, Supported

SPEC = AdapterSpec(
    name="caffe2",
    framework="Caffe2",
    package="torch",  # Caffe2 has no version of its own since it ships in PyTorch's package
    module="adapters.caffe2",
    python="3.9",
    models={"cnn": "adapters.caffe2.cnn:Model"},
    # relu and cudnn_exhaustive_search are asked for there; Nesterov's momentum is not: build_sgd looks ahead unless told otherwise.
    published={"cnn": Published("Caffe2_CNN", {"autotune": "on", "relu": "after_pool"})},
    settings={
        "layout": Supported("nchw", ("nchw", "nhwc"), "ModelHelper.arg_scope['order']; the convolutions' argument order"),
        "autotune": Supported(
            "off", ("off", "on"), "ModelHelper.arg_scope['cudnn_exhaustive_search']; the convolutions' argument exhaustive_search",
            inert={"cpu": "cuDNN runs on CUDA devices only"},
        ),
        "compile": Supported(
            "graph", ("graph",), "every Caffe2 model is a net",
            limits={"eager": "Caffe2 defines a net before anything runs; its gradients are operators added to that net"},
        ),
        "precision": Supported(
            "float32", ("float32",), "dtype of the parameters",
            limits={"float64": "Caffe2's kernels of convolution, pooling, dense layers, losses and optimisers take float32 only"},
        ),
        "init": Supported(
            "lecun_uniform", ("glorot_uniform", "xavier_224", "fan_in_uniform", "lecun_uniform", "lecun_normal", "uniform_007"),
            "brew.conv and brew.fc: XavierFill, whose limit is sqrt(3 / fan_in); read back from the weights",
            limits={"lecun_truncated": "Caffe2 has no fill operator with a truncated normal"},
        ),
        "bias_init": Supported(
            "zeros", ("zeros", "fan_in_uniform"), "brew.conv and brew.fc: ConstantFill; read back from the weights",
        ),
        "relu": Supported("before_pool", ("before_pool", "after_pool"), "order of the operators in the net"),
        "momentum": Supported(
            "classical", ("classical", "unit_gain"), "optimizer.build_sgd; what a like optimiser makes of a gradient of 1",
        ),
        "nesterov": Supported(
            "on", ("off", "on"), "optimizer.SgdOptimizer(nesterov=True); what a like optimiser makes of a gradient of 1",
        ),
        "dropout_at_test": Supported(
            "off", ("off", "on"), "brew.dropout demands is_test; that argument of the dropouts in the net that predicts",
        ),
        "loss": Supported(
            "probabilities", ("logits", "probabilities", "softmax_twice"),
            "LabelCrossEntropy's documentation: it comes after Softmax; the operators in the net",
        ),
        "labels": Supported("sparse", ("sparse", "one_hot"), "LabelCrossEntropy takes class indices; rank of the labels"),
    },
)
