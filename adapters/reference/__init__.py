"""The networks in plain NumPy: the definition of the right answer, and a framework that needs no installation."""
from adapters.spec import AdapterSpec, Supported, Unsupported, every

SPEC = AdapterSpec(
    name="reference",
    framework="NumPy",
    package="numpy",
    module="adapters.reference",
    python="3.11",
    models={"cnn": "adapters.reference.cnn:Model", "gru": "adapters.reference.gru:Model"},
    settings={
        "layout": Supported(
            "nchw", ("nchw",), "adapters/reference/cnn.py: the axes of the arrays",
            limits={"nhwc": "the reference is written in one order, the canonical one"},
        ),
        "autotune": Unsupported("NumPy has no convolution algorithms to choose from"),
        "compile": Unsupported("NumPy has no graph: every operation runs when it is reached"),
        "precision": Supported("float64", ("float32", "float64"), "numpy.zeros(1).dtype, read back from the weights"),
        "init": Supported(
            "glorot_uniform",
            (
                "glorot_uniform", "xavier_224", "fan_in_uniform", "lecun_uniform", "lecun_normal", "lecun_truncated",
                "uniform_007", "uniform_001",
            ),
            "the project's choice; read back from the weights",
        ),
        "bias_init": Supported("zeros", ("zeros", "fan_in_uniform"), "the project's choice; read back from the weights"),
        "relu": Supported("before_pool", ("before_pool", "after_pool"), "order of the layers in the built network"),
        "momentum": Supported("classical", ("classical", "unit_gain"), "the optimiser's gain"),
        "nesterov": Supported("off", ("off", "on"), "what the optimiser makes of a gradient of 1"),
        "dropout_at_test": Supported("off", ("off", "on"), "the dropout layers' flag"),
        "loss": Supported("logits", ("logits", "probabilities", "softmax_twice"), "the loss function in use"),
        "labels": Supported("sparse", ("sparse", "one_hot"), "the loss function in use"),
        "sequence_layout": Supported("ntc", ("ntc", "tnc"), "the project's choice"),
        "padding": Supported("post", ("post", "pre"), "where the zeros are"),
        "embedding_init": Supported(
            "uniform_005", every("embedding_init"), "the project's choice; read back from the weights"
        ),
        "embedding_gradient": Supported(
            "dense", ("dense",), "adapters/reference/gru.py: a gradient has every row",
            limits={"sparse": "NumPy's arrays have every row"},
        ),
        "rnn_kernel": Unsupported("NumPy has no recurrent kernel: each time step runs operation by operation"),
        "rnn_init": Supported(
            "glorot_uniform", every("rnn_init"), "the project's choice; read back from the weights"
        ),
        "reset": Supported("after", ("after", "before"), "whether the state has a bias of its own"),
        "gates": Supported("sigmoid", ("sigmoid", "hard_sigmoid"), "the function in use"),
        "adam_epsilon": Supported("hat_1e-8", every("adam_epsilon"), "what the optimiser makes of small gradients"),
        "adam_count": Supported(
            "one", ("one", "two"), "what the optimiser makes of a gradient of 1",
            limits={"unordered": "NumPy's operations run in their order"},
        ),
    },
)
