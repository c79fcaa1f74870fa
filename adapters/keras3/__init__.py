"""Keras 3 on each of its back ends: defaults and supported settings."""

from adapters.contract.declarations import LOOP, NO_CPU, NO_CUDNN, NO_TF32
from adapters.contract.spec import AdapterSpec, Conflict, Published, Supported, Unsupported

XLA_AUTOTUNE = {"off": {"XLA_FLAGS": "--xla_gpu_autotune_level=0"}, "on": {"XLA_FLAGS": "--xla_gpu_autotune_level=4"}}

SHARED = {
    **LOOP,
    "layout": Supported("nhwc", "keras.config.image_data_format(); data_format of the convolutions"),
    "precision": Supported(
        "float32",
        "keras.config.floatx(); dtype of the kernels, the back end's flag of TensorFloat-32 (allowed by default on a "
        "GPU), "
        "compute_dtype of the layers: with the policy mixed_bfloat16 all but the last compute in bfloat16",
    ),
    "init": Supported(
        "glorot_uniform", "keras.layers.Conv2D(kernel_initializer='glorot_uniform'); read back from the weights"
    ),
    "bias_init": Supported("zeros", "keras.layers.Conv2D(bias_initializer='zeros'); read back from the weights"),
    "conv_bias": Supported("on", "keras.layers.Conv2D(use_bias=True)"),
    "conv_padding": Supported("valid", "keras.layers.Conv2D(padding='valid')"),
    "pool_stride": Supported("two", "keras.layers.MaxPooling2D(strides=None): the pool's size"),
    "relu": Supported("before_pool", "order of the layers in the network"),
    "momentum": Supported("classical", "read back from the optimizer's step on a gradient of 1"),
    "nesterov": Supported(
        "off", "keras.optimizers.SGD(nesterov=False); read back from the optimizer's step on a gradient of 1"
    ),
    "clip": Supported(
        "none", "keras.optimizers.SGD(clipvalue=None); read back from the optimizer's step on a gradient of 1"
    ),
    "input_gradient": Unsupported(
        "Keras's training step computes the gradients of the trainable weights only on this back end"
    ),
    "dropout_at_test": Supported("off", "class of the dropout layers"),
    "loss": Supported(
        "probabilities",
        "keras.losses.SparseCategoricalCrossentropy(from_logits=False); read back from the loss of a score 100 below "
        "another",
    ),
    "labels": Supported("sparse", "keras.datasets gives class indices; rank of the labels"),
    "loader": Unsupported(
        "Model.fit's loader of arrays draws its own order; with keras.utils.PyDataset the user's code assembles the "
        "batches"
    ),
    "sequence_layout": Supported(
        "ntc",
        "keras.layers.GRU's documentation; shape of the network's input",
        limits={"tnc": "Keras 3's recurrent layers take the examples first"},
    ),
    "padding": Supported("pre", "keras.utils.pad_sequences(padding='pre'); position of the zeros"),
    "embedding_init": Supported(
        "uniform_005", "keras.layers.Embedding(embeddings_initializer='uniform'); read back from the weights"
    ),
    "rnn_init": Supported(
        "glorot_orthogonal",
        "keras.layers.GRU(kernel_initializer='glorot_uniform', recurrent_initializer='orthogonal'); read back from "
        "the weights",
    ),
    "reset": Supported("after", "keras.layers.GRU(reset_after=True); the layer's reset_after"),
    "gates": Supported("sigmoid", "keras.layers.GRU(recurrent_activation='sigmoid'); the layer's function"),
    "adam_epsilon": Supported(
        "plain_1e-7", "keras.optimizers.Adam(epsilon=1e-7); read back from the optimizer's steps on small gradients"
    ),
    "adam_count": Supported(
        "one",
        "read back from the optimizer's step on a gradient of 1",
        limits={"unordered": "keras.optimizers.Adam increments its counter after the update, in order"},
    ),
}
WINOGRAD = Supported(
    "on",
    "TF_ENABLE_WINOGRAD_NONFUSED, on if not set: XLA reads it too",
    inert=NO_CUDNN,
    variables={"off": {"TF_ENABLE_WINOGRAD_NONFUSED": "0"}, "on": {"TF_ENABLE_WINOGRAD_NONFUSED": "1"}},
)
DENSE = Supported(
    "dense",
    "gradient of keras.layers.Embedding, which has every row",
    limits={"sparse": "on this back end a gradient of keras.layers.Embedding has every row"},
)
KERNELS = Supported(
    "fused",
    "keras.layers.GRU(use_cudnn='auto'); the layer's use_cudnn and unroll",
    inert={"cpu": "cuDNN runs on CUDA devices only; elsewhere Keras runs the cell without a message"},
)
NO_KERNEL = tuple(
    Conflict(
        {"rnn_kernel": "fused", setting: choice},
        "cuDNN's GRU has no such choice: Keras would run the cell without a message",
        ("cuda",),
    )
    for setting, choice in (("reset", "before"), ("gates", "hard_sigmoid"))
)


def spec(back_end, title, variables, settings, **more):
    """Keras on one back end; `settings` are the positions that depend on it, `more` other fields of the declaration."""
    return AdapterSpec(
        name="keras3-" + back_end,
        framework="Keras 3 on " + title,
        package="keras",
        module="adapters.keras3",
        python="3.11",
        models={"cnn": "adapters.keras3.cnn:Model", "gru": "adapters.keras3.gru:Model"},
        variables=dict(variables, KERAS_BACKEND=back_end),
        settings=dict(SHARED, **settings),
        **more,
    )


TENSORFLOW = spec(
    "tensorflow",
    "TensorFlow",
    {"TF_CPP_MIN_LOG_LEVEL": "2"},
    {
        "autotune": Supported(
            "on",
            "TF_CUDNN_USE_AUTOTUNE and XLA_FLAGS, on if not set: with a GPU Keras compiles with XLA",
            inert=NO_CUDNN,
            variables={
                "off": dict(XLA_AUTOTUNE["off"], TF_CUDNN_USE_AUTOTUNE="0"),
                "on": dict(XLA_AUTOTUNE["on"], TF_CUDNN_USE_AUTOTUNE="1"),
            },
        ),
        "winograd": WINOGRAD,
        # If not set, oneDNN is on where the CPU has AVX512-VNNI, and off elsewhere.
        "cpu_kernels": Supported(
            "onednn",
            "TF_ENABLE_ONEDNN_OPTS; tensorflow.python.framework.test_util.IsMklEnabled()",
            inert=NO_CPU,
            variables={"onednn": {"TF_ENABLE_ONEDNN_OPTS": "1"}, "own": {"TF_ENABLE_ONEDNN_OPTS": "0"}},
        ),
        "compile": Supported(
            "graph", "keras.Model.compile(run_eagerly=False, jit_compile='auto'); the model's run_eagerly"
        ),
        "loss": SHARED["loss"]._replace(
            native="logits",
            evidence="keras.losses.SparseCategoricalCrossentropy(from_logits=False), which on this back end takes the "
            "scores from "
            "before the softmax that it receives; read back from the loss of a score 100 below another",
        ),
        "embedding_gradient": Supported(
            "sparse",
            "keras.layers.Embedding and Adam on TensorFlow; read back from the optimizer's step on a word that occurs "
            "twice",
        ),
        "rnn_kernel": KERNELS,
    },
    published={
        "cnn": Published("Keras_TF_CNN", {"labels": "one_hot"}),
        "gru": Published("Keras_TF_RNN", {"labels": "one_hot", "padding": "post", "adam_epsilon": "plain_1e-8"}),
    },
    conflicts=(NO_TF32,)
    + NO_KERNEL
    + (
        Conflict(
            {"layout": "nchw", "precision": "float64"},
            "TensorFlow's channels-first convolution has no float64 CPU kernel",
            ("cpu",),
        ),
        Conflict(
            {"layout": "nchw", "precision": "bfloat16"},
            "channels first, only oneDNN has bfloat16 CPU kernels, for AVX-512",
            ("cpu",),
        ),
        Conflict(
            {"layout": "nchw", "cpu_kernels": "own"},
            "TensorFlow's own CPU kernels of a convolution's gradients are channels-last",
            ("cpu",),
        ),
    ),
)

TORCH = spec(
    "torch",
    "PyTorch",
    {},
    {
        "autotune": Supported("off", "torch.backends.cudnn.benchmark", inert=NO_CUDNN),
        "winograd": Unsupported("cuDNN's heuristics choose among all its algorithms; PyTorch can't exclude one"),
        "cpu_kernels": Supported("onednn", "torch.backends.mkldnn.enabled", inert=NO_CPU),
        "input_gradient": Supported("skipped", "torch.Tensor.requires_grad, False if not set; the batch's"),
        "compile": Supported(
            "eager", "keras.Model.compile(jit_compile='auto') is eager on PyTorch; the model's jit_compile"
        ),
        "embedding_gradient": DENSE,
        "rnn_kernel": KERNELS,
    },
    conflicts=(NO_TF32,)
    + NO_KERNEL
    + tuple(
        Conflict(
            {"compile": "graph", "rnn_kernel": kernel}, "torch.compile unrolls the time steps: minutes for 150 of them"
        )
        for kernel in ("fused", "cell")
    ),
)

JAX = spec(
    "jax",
    "JAX",
    {},
    {
        "autotune": Supported(
            "on",
            "XLA_FLAGS; xla_gpu_autotune_level is 4 if not set",
            inert={"cpu": "XLA autotunes on CUDA devices only"},
            variables=XLA_AUTOTUNE,
        ),
        "winograd": WINOGRAD,
        "cpu_kernels": Unsupported(
            "XLA has no switch: neither xla_cpu_use_onednn nor xla_cpu_experimental_onednn_custom_call makes "
            "convolutions use oneDNN"
        ),
        "compile": Supported(
            "graph", "keras.Model.compile(jit_compile='auto') is jax.jit on JAX; the model's jit_compile"
        ),
        "embedding_gradient": DENSE,
        "rnn_kernel": Supported(
            "cell",
            "keras.layers.GRU(use_cudnn='auto') is lax.scan on JAX; the layer's use_cudnn",
            limits={"fused": "jax.experimental.rnn has cuDNN's kernel for the LSTM only"},
        ),
    },
    conflicts=(NO_TF32,),
)
