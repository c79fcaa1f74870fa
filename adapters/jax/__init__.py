"""What JAX does if nobody asks, and what it can be asked for. JAX itself has no layers: flax's are its usual ones."""

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
            "TF_ENABLE_WINOGRAD_NONFUSED, on if not set: without it XLA leaves cuDNN's engines noted as Winograd out",
            inert=NO_CUDNN,
            variables={"off": {"TF_ENABLE_WINOGRAD_NONFUSED": "0"}, "on": {"TF_ENABLE_WINOGRAD_NONFUSED": "1"}},
        ),
        "cpu_kernels": Unsupported(
            "XLA has no switch that works: xla_cpu_use_onednn, on or off, leaves the calls of oneDNN as they are"
        ),
        "compile": Supported("graph", "flax's and JAX's documentation: training steps are under jit; type of the step"),
        "precision": Supported(
            "float32",
            "jax_enable_x64; type and precision of the products in the traced program (jax_default_matmul_precision, which allows TF32 "
            "if nobody asks)",
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
        "momentum": Supported("classical", "what the optimizer makes of a gradient of 1"),
        "nesterov": Supported("off", "optax.sgd(nesterov=False); what the optimizer makes of a gradient of 1"),
        "clip": Supported(
            "none", "optax.clip is a transformation of its own; what the optimizer makes of a gradient of 1"
        ),
        "input_gradient": Supported(
            "skipped", "jax.value_and_grad(argnums=0): of the weights alone; what the traced step returns"
        ),
        "dropout_at_test": Supported("off", "random bits in the traced prediction"),
        "loss": Supported(
            "logits",
            "the function in use; it includes softmax",
            limits={"probabilities": "optax's cross-entropies take scores"},
        ),
        "labels": Supported("sparse", "rank of the labels"),
        "loader": Unsupported("JAX has no loader: its documentation borrows PyTorch's or TensorFlow's"),
        "sequence_layout": Supported("ntc", "flax.nnx.RNN(time_major=False); axis that the loop runs over"),
        "padding": Supported("post", "flax.nnx.RNN's seq_lengths counts from the first word; where the zeros are"),
        "embedding_init": Supported(
            "normal_features", "flax.nnx.Embed(embedding_init=...); read back from the weights"
        ),
        "embedding_gradient": Supported(
            "dense", "a gradient has its weight's shape", limits={"sparse": "JAX's gradients have every row"}
        ),
        "rnn_kernel": Supported(
            "cell",
            "lax.scan over the cell",
            limits={"fused": "jax.experimental.rnn has cuDNN's kernel for the LSTM alone"},
        ),
        "rnn_init": Supported("lecun_orthogonal", "flax.nnx.GRUCell; read back from the weights"),
        "reset": Supported("after", "flax.nnx.GRUCell's documentation; whether the state has a bias of its own"),
        "gates": Supported("sigmoid", "flax.nnx.GRUCell(gate_fn=sigmoid); the function in use"),
        "adam_epsilon": Supported("hat_1e-8", "optax.adam(eps=1e-8); what it makes of small gradients"),
        "adam_count": Supported(
            "one",
            "what the optimizer makes of a gradient of 1",
            limits=dict.fromkeys(("two", "unordered"), "optax counts before it corrects, in order"),
        ),
    },
)
