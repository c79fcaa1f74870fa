"""What JAX does if nobody asks, and what it can be asked for. JAX itself has no layers: flax's are its usual ones."""
from adapters.spec import AdapterSpec, Supported

SPEC = AdapterSpec(
    name="jax",
    framework="JAX",
    package="jax",
    module="adapters.jax",
    python="3.11",
    models={"cnn": "adapters.jax.cnn:Model"},
    settings={
        "layout": Supported("nhwc", ("nchw", "nhwc"), "dimension numbers of the convolutions in the traced program"),
        "autotune": Supported(
            "on", ("off", "on"), "XLA_FLAGS; xla_gpu_autotune_level is 4 if not set",
            inert={"cpu": "XLA autotunes on CUDA devices only"},
            variables={
                "off": {"XLA_FLAGS": "--xla_gpu_autotune_level=0"}, "on": {"XLA_FLAGS": "--xla_gpu_autotune_level=4"}
            },
        ),
        "compile": Supported(
            "graph", ("eager", "graph"), "flax's and JAX's documentation: training steps are under jit; type of the step"
        ),
        "precision": Supported("float32", ("float32", "float64"), "jax_enable_x64; dtype of the parameters"),
        "init": Supported(
            "lecun_truncated",
            (
                "glorot_uniform", "xavier_224", "fan_in_uniform", "lecun_uniform", "lecun_normal", "lecun_truncated",
                "uniform_007", "uniform_001",
            ),
            "flax.nnx.Conv(kernel_init=lecun_normal()), which truncates; read back from the weights",
        ),
        "bias_init": Supported(
            "zeros", ("zeros", "fan_in_uniform"), "flax.nnx.Conv(bias_init=zeros_init()); read back from the weights"
        ),
        "relu": Supported("before_pool", ("before_pool", "after_pool"), "order of the operations in the traced program"),
        "momentum": Supported("classical", ("classical", "unit_gain"), "what the optimiser makes of a gradient of 1"),
        "nesterov": Supported("off", ("off", "on"), "optax.sgd(nesterov=False); what the optimiser makes of a gradient of 1"),
        "dropout_at_test": Supported("off", ("off", "on"), "random bits in the traced prediction"),
        "loss": Supported(
            "logits", ("logits", "softmax_twice"), "the function in use; it includes softmax",
            limits={"probabilities": "optax's cross-entropies take scores"},
        ),
        "labels": Supported("sparse", ("sparse", "one_hot"), "rank of the labels"),
    },
)
