"""JAX: defaults and supported settings. JAX itself has no layers; flax's are the usual ones."""

from adapters.contract.declarations import LOOP, NO_CUDNN, NO_TF32
from adapters.contract.spec import AdapterSpec, Supported, Unsupported

SPEC = AdapterSpec(
    name="jax",
    framework="JAX",
    package="jax",
    module="adapters.jax",
    python="3.11",
    models={"cnn": "adapters.jax.cnn:Model", "gru": "adapters.jax.gru:Model"},
    conflicts=(NO_TF32,),
    settings={
        **LOOP,
        "layout": Supported("nhwc", "dimension numbers of the convolutions in the traced program"),
        "autotune": Supported(
            "on",
            "XLA_FLAGS; xla_gpu_autotune_level is 4 if not set",
            inert={"cpu": "XLA autotunes on CUDA devices only"},
            variables={
                "off": {"XLA_FLAGS": "--xla_gpu_autotune_level=0"},
                "on": {"XLA_FLAGS": "--xla_gpu_autotune_level=4"},
            },
        ),
        "winograd": Supported(
            "on",
            "TF_ENABLE_WINOGRAD_NONFUSED, on if not set: without it XLA excludes cuDNN's engines marked as Winograd",
            inert=NO_CUDNN,
            variables={"off": {"TF_ENABLE_WINOGRAD_NONFUSED": "0"}, "on": {"TF_ENABLE_WINOGRAD_NONFUSED": "1"}},
        ),
        "cpu_kernels": Unsupported(
            "XLA has no working switch: xla_cpu_use_onednn, on or off, does not change the calls of oneDNN"
        ),
        "compile": Supported(
            "graph", "flax's and JAX's documentation: training steps are compiled by jit; type of the step"
        ),
        "precision": Supported(
            "float32",
            "jax_enable_x64; type and precision of the products in the traced program (jax_default_matmul_precision, "
            "whose default "
            "allows TF32)",
        ),
        "init": Supported(
            "lecun_truncated", "flax.nnx.Conv(kernel_init=lecun_normal()), which truncates; read back from the weights"
        ),
        "bias_init": Supported("zeros", "flax.nnx.Conv(bias_init=zeros_init()); read back from the weights"),
        "conv_bias": Supported("on", "flax.nnx.Conv(use_bias=True); lax's convolution adds none; the parameters"),
        "conv_padding": Supported(
            "same", "flax.nnx.Conv(padding='SAME'); lax's convolution has no default; in the traced program"
        ),
        "pool_stride": Supported(
            "one", "flax.nnx.max_pool(strides=None): 1; lax.reduce_window has no default; in the traced program"
        ),
        "relu": Supported("before_pool", "order of the operations in the traced program"),
        "momentum": Supported("classical", "read back from the optimizer's step on a gradient of 1"),
        "nesterov": Supported(
            "off", "optax.sgd(nesterov=False); read back from the optimizer's step on a gradient of 1"
        ),
        "clip": Supported(
            "none", "optax.clip is a separate transformation; read back from the optimizer's step on a gradient of 1"
        ),
        "input_gradient": Supported(
            "skipped", "jax.value_and_grad(argnums=0): of the weights only; outputs of the traced step"
        ),
        "dropout_at_test": Supported("off", "random bits in the traced prediction"),
        "loss": Supported(
            "logits",
            "the function in use; it includes softmax",
            limits={"probabilities": "optax's cross-entropies take scores"},
        ),
        "labels": Supported("sparse", "rank of the labels"),
        "loader": Unsupported("JAX has no loader: its documentation uses PyTorch's or TensorFlow's"),
        "sequence_layout": Supported("ntc", "flax.nnx.RNN(time_major=False); axis that the loop runs over"),
        "padding": Supported("post", "flax.nnx.RNN's seq_lengths count from the first word; position of the zeros"),
        "embedding_init": Supported(
            "normal_features", "flax.nnx.Embed(embedding_init=...); read back from the weights"
        ),
        "embedding_gradient": Supported(
            "dense", "a gradient has its weight's shape", limits={"sparse": "JAX's gradients have every row"}
        ),
        "rnn_kernel": Supported(
            "cell",
            "lax.scan over the cell",
            limits={"fused": "jax.experimental.rnn has cuDNN's kernel for the LSTM only"},
        ),
        "rnn_init": Supported("lecun_orthogonal", "flax.nnx.GRUCell; read back from the weights"),
        "reset": Supported("after", "flax.nnx.GRUCell's documentation; whether the state has a separate bias"),
        "gates": Supported("sigmoid", "flax.nnx.GRUCell(gate_fn=sigmoid); the function in use"),
        "adam_epsilon": Supported("hat_1e-8", "optax.adam(eps=1e-8); read back from its steps on small gradients"),
        "adam_count": Supported(
            "one",
            "read back from the optimizer's step on a gradient of 1",
            limits=dict.fromkeys(("two", "unordered"), "optax increments its counter before the correction"),
        ),
    },
)
