"""The networks in plain NumPy: the definition of the right answer, and a framework that needs no installation."""

from adapters.contract.declarations import LOOP
from adapters.contract.spec import AdapterSpec, Supported, Unsupported

SPEC = AdapterSpec(
    name="reference",
    framework="NumPy",
    package="numpy",
    module="adapters.reference",
    python="3.11",
    models={"cnn": "adapters.reference.cnn:Model", "gru": "adapters.reference.gru:Model"},
    settings={
        **LOOP,
        "layout": Supported(
            "nchw",
            "adapters/reference/cnn.py: the axes of the arrays",
            limits={"nhwc": "the reference is written in one order, the canonical one"},
        ),
        "autotune": Unsupported("NumPy has no convolution algorithms to choose from"),
        "winograd": Unsupported("NumPy has no convolution algorithms to choose from"),
        "cpu_kernels": Unsupported("NumPy has only its own kernels and its BLAS's"),
        "compile": Unsupported("NumPy has no graph: every operation runs when Python reaches it"),
        "precision": Supported(
            "float64",
            "numpy.zeros(1).dtype, read back from the weights",
            limits={"tf32": "NumPy does not run on CUDA devices", "bfloat16": "NumPy has no such type"},
        ),
        "init": Supported("glorot_uniform", "the project's choice; read back from the weights"),
        "bias_init": Supported("zeros", "the project's choice; read back from the weights"),
        "conv_bias": Supported("on", "the project's choice; the layer's parameters"),
        "conv_padding": Supported("same", "the project's choice; the layer's border"),
        "pool_stride": Supported("two", "the project's choice; the layer's stride"),
        "relu": Supported("before_pool", "order of the layers in the built network"),
        "momentum": Supported("classical", "the optimizer's gain"),
        "nesterov": Supported("off", "read back from the optimizer's step on a gradient of 1"),
        "clip": Supported("none", "the project's choice; read back from the optimizer's step on a gradient of 1"),
        "input_gradient": Unsupported("adapters/reference/cnn.py always propagates through every layer, for clarity"),
        "dropout_at_test": Supported("off", "the dropout layers' flag"),
        "loss": Supported("logits", "the loss function in use"),
        "labels": Supported("sparse", "the loss function in use"),
        "loader": Unsupported("NumPy has no loader"),
        "sequence_layout": Supported("ntc", "the project's choice"),
        "padding": Supported("post", "position of the zeros"),
        "embedding_init": Supported("uniform_005", "the project's choice; read back from the weights"),
        "embedding_gradient": Supported(
            "dense",
            "adapters/reference/gru.py: gradients have every row",
            limits={"sparse": "NumPy's arrays have every row"},
        ),
        "rnn_kernel": Unsupported("NumPy has no recurrent kernel: each time step runs operation by operation"),
        "rnn_init": Supported("glorot_uniform", "the project's choice; read back from the weights"),
        "reset": Supported("after", "whether the state has a separate bias"),
        "gates": Supported("sigmoid", "the function in use"),
        "adam_epsilon": Supported("hat_1e-8", "read back from the optimizer's steps on small gradients"),
        "adam_count": Supported(
            "one",
            "read back from the optimizer's step on a gradient of 1",
            limits={"unordered": "NumPy's operations run in program order"},
        ),
    },
)
