"""What Keras 3 does if nobody asks, on each of its back ends, and what it can be asked for."""
from adapters.spec import AdapterSpec, Conflict, Published, Supported

INITS = ("glorot_uniform", "xavier_224", "fan_in_uniform", "lecun_uniform", "lecun_normal", "lecun_truncated", "uniform_007")
ON_GPUS = {"cpu": "cuDNN runs on CUDA devices only"}
XLA_AUTOTUNE = {"off": "--xla_gpu_autotune_level=0", "on": "--xla_gpu_autotune_level=4"}


def declare(backend, title, variables, autotune, compile, loss, published, conflicts=()):
    """Keras on one back end: arguments are the back end's name and what differs between the three."""
    return AdapterSpec(
        name="keras3-" + backend,
        framework="Keras 3 on " + title,
        package="keras",
        module="adapters.keras3",
        python="3.11",
        models={"cnn": "adapters.keras3.cnn:Model"},
        variables=dict(KERAS_BACKEND=backend, **variables),
        published=published,
        conflicts=conflicts,
        settings={
            "layout": Supported(
                "nhwc", ("nchw", "nhwc"), "keras.config.image_data_format(); data_format of the convolutions"
            ),
            "autotune": autotune,
            "compile": compile,
            "precision": Supported("float32", ("float32", "float64"), "keras.config.floatx(); dtype of the kernels"),
            "init": Supported("glorot_uniform", INITS, "keras.layers.Conv2D(kernel_initializer='glorot_uniform'); read back from the weights"),
            "bias_init": Supported(
                "zeros", ("zeros", "fan_in_uniform"), "keras.layers.Conv2D(bias_initializer='zeros'); read back from the weights"
            ),
            "relu": Supported("before_pool", ("before_pool", "after_pool"), "order of the layers in the network"),
            "momentum": Supported("classical", ("classical", "unit_gain"), "what the optimiser makes of a gradient of 1"),
            "nesterov": Supported(
                "off", ("off", "on"), "keras.optimizers.SGD(nesterov=False); what the optimiser makes of a gradient of 1"
            ),
            "dropout_at_test": Supported("off", ("off", "on"), "class of the dropout layers"),
            "loss": loss,
            "labels": Supported("sparse", ("sparse", "one_hot"), "keras.datasets gives class indices; rank of the labels"),
        },
    )


LOSS_EVIDENCE = "keras.losses.SparseCategoricalCrossentropy(from_logits=False); softmax in the network and the loss's from_logits"
ANY_LOSS = Supported("probabilities", ("logits", "probabilities", "softmax_twice"), LOSS_EVIDENCE)

TENSORFLOW = declare(
    "tensorflow",
    "TensorFlow",
    # oneDNN as in adapters/tensorflow: on everywhere, so that all nodes run the same.
    variables={"TF_CPP_MIN_LOG_LEVEL": "2", "TF_ENABLE_ONEDNN_OPTS": "1"},
    autotune=Supported(
        "on", ("off", "on"), "TF_CUDNN_USE_AUTOTUNE and XLA_FLAGS, on if not set: Keras compiles with XLA where there is a GPU",
        inert=ON_GPUS,
        variables={
            "off": {"TF_CUDNN_USE_AUTOTUNE": "0", "XLA_FLAGS": XLA_AUTOTUNE["off"]},
            "on": {"TF_CUDNN_USE_AUTOTUNE": "1", "XLA_FLAGS": XLA_AUTOTUNE["on"]},
        },
    ),
    compile=Supported(
        "graph", ("eager", "graph"), "keras.Model.compile(run_eagerly=False, jit_compile='auto'); the model's run_eagerly"
    ),
    loss=Supported(
        "probabilities", ("logits", "probabilities"), LOSS_EVIDENCE,
        limits={"softmax_twice": "Keras finds the softmax before its loss on TensorFlow and takes the scores from before it, with a warning"},
    ),
    published={"cnn": Published("Keras_TF_CNN", {"labels": "one_hot"})},
    conflicts=(
        Conflict({"layout": "nchw", "precision": "float64"}, "cpu", "TensorFlow's channels-first convolution has no float64 CPU kernel"),
    ),
)

TORCH = declare(
    "torch",
    "PyTorch",
    variables={},
    autotune=Supported("off", ("off", "on"), "torch.backends.cudnn.benchmark", inert=ON_GPUS),
    compile=Supported("eager", ("eager", "graph"), "keras.Model.compile(jit_compile='auto') is eager on PyTorch; the model's jit_compile"),
    loss=ANY_LOSS,
    published={},
)

JAX = declare(
    "jax",
    "JAX",
    variables={},
    autotune=Supported(
        "on", ("off", "on"), "XLA_FLAGS; xla_gpu_autotune_level is 4 if not set",
        inert={"cpu": "XLA autotunes on CUDA devices only"},
        variables={choice: {"XLA_FLAGS": flags} for choice, flags in XLA_AUTOTUNE.items()},
    ),
    compile=Supported("graph", ("eager", "graph"), "keras.Model.compile(jit_compile='auto') is jax.jit on JAX; the model's jit_compile"),
    loss=ANY_LOSS,
    published={},
)
