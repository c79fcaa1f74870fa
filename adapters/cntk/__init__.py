"""CNTK: defaults and supported settings."""

from adapters.contract.declarations import LOOP, NO_CUDNN, NO_TRANSPOSITION
from adapters.contract.spec import AdapterSpec, Published, Supported, Unsupported

SPEC = AdapterSpec(
    name="cntk",
    framework="CNTK",
    package="cntk",
    module="adapters.cntk",
    python="3.6",
    models={"cnn": "adapters.cntk.cnn:Model", "gru": "adapters.cntk.gru:Model"},
    published={
        "cnn": Published("CNTK_CNN", {"momentum": "classical"}),
        "gru": Published("CNTK_RNN", {"reset": "after"}),  # optimized_rnnstack, cuDNN's cell
    },
    post_install="adapters.cntk.mpi_stubs",
    conflicts=(NO_TRANSPOSITION,),
    settings={
        **LOOP,
        "layout": Supported(
            "nchw",
            "shape of the input variable",
            limits={
                "nhwc": "CNTK accepts channels first only, and reads channels-last images as such without an error"
            },
        ),
        "autotune": Supported(
            "on",
            "CNTK's documentation: cuDNN's algorithms are timed at the first batch",
            inert=NO_CUDNN,
            limits={"off": "CNTK's Python interface has no switch for it"},
        ),
        "winograd": Unsupported("CNTK times all of cuDNN's algorithms and uses the fastest; it can't exclude one"),
        "cpu_kernels": Unsupported(
            "convolutions always use Intel's kernels (MKL's, the origin of oneDNN); disable_cpueval_optimization, the "
            "only switch, "
            "does not disable them: it changes element-wise operations only"
        ),
        "compile": Supported(
            "graph", "every CNTK function is a graph", limits={"eager": "CNTK builds a graph before anything runs"}
        ),
        "precision": Supported(
            "float32",
            "dtype of the parameters",
            limits={
                "tf32": "CNTK is built for CUDA 10, which has no TensorFloat-32",
                "bfloat16": "CNTK has no such type; its 16-bit type is IEEE half precision, with convolutions on CUDA "
                "devices only",
            },
        ),
        "init": Supported(
            "glorot_uniform",
            "cntk.layers.Convolution2D(init=glorot_uniform()); read back from the weights",
            limits={
                "lecun_truncated": "CNTK's layers accept no truncated normal: they read its filter rank, which it lacks"
            },
        ),
        "bias_init": Supported("zeros", "cntk.layers.Convolution2D(init_bias=0); read back from the weights"),
        "conv_bias": Supported("on", "cntk.layers.Convolution2D(bias=True); the layer's parameters"),
        "conv_padding": Supported(
            "valid", "cntk.layers.Convolution2D(pad=False); autoPadding of the operation in the graph"
        ),
        "pool_stride": Supported("one", "cntk.layers.MaxPooling(strides=1); strides of the operation in the graph"),
        "relu": Supported("before_pool", "the operation that produces the pooling's input"),
        "momentum": Supported(
            "unit_gain", "cntk.default_unit_gain_value() is True; read back from an equal learner's step on one weight"
        ),
        "nesterov": Supported(
            "off", "cntk.momentum_sgd, not cntk.nesterov; read back from an equal learner's step on a gradient of 1"
        ),
        "clip": Supported(
            "none",
            "cntk.momentum_sgd(gradient_clipping_threshold_per_sample=inf), which truncates; read back from an equal "
            "learner's step on a gradient of 1",
        ),
        "input_gradient": Supported(
            "skipped",
            "cntk.input_variable(needs_gradient=False); if True, a training step runs one more kernel, the first "
            "convolution's",
        ),
        "dropout_at_test": Supported("off", "the method used for prediction: eval infers, forward trains"),
        "loss": Supported(
            "logits",
            "softmax in the loss's graph",
            limits={"probabilities": "cntk.cross_entropy_with_softmax takes scores"},
        ),
        "labels": Supported("one_hot", "cntk.cross_entropy_with_softmax takes one-hot rows; rank of the labels"),
        "loader": Supported(
            "generator",
            "CNTK's trainer accepts any arrays; cntk.io.MinibatchSourceFromData, which reads sequentially, is optional "
            "and receives each epoch's examples in order",
        ),
        "sequence_layout": Supported(
            "ntc", "first dynamic axis of the input", limits={"tnc": "a minibatch in CNTK is a list of sequences"}
        ),
        "padding": Supported("post", "CNTK does not pad: sequences keep their lengths; position of the zeros"),
        "embedding_init": Supported(
            "glorot_uniform", "cntk.layers.Embedding(init=glorot_uniform()); read back from the weights"
        ),
        "embedding_gradient": Supported(
            "dense",
            "gather in the loss's graph",
            limits={
                "sparse": "CNTK's Adam has no CPU kernel for the sparse gradient of a one-hot input, and its momentum "
                "on sparse gradients is lazy"
            },
        ),
        "rnn_kernel": Supported(
            "cell",
            "operations in the loss's graph",
            limits={
                "fused": "optimized_rnnstack is cuDNN's: it has no CPU kernel, and its single parameter has no "
                "initializer"
            },
        ),
        "rnn_init": Supported(
            "glorot_split", "cntk.layers.GRU(init=glorot_uniform()), by stored matrix; read back from the weights"
        ),
        "reset": Supported("before", "cntk.layers.GRU's source; whether the state has a separate bias"),
        "gates": Supported(
            "sigmoid", "operations in the loss's graph", limits={"hard_sigmoid": "cntk.layers.GRU has sigmoid gates"}
        ),
        "adam_epsilon": Supported(
            "plain_1e-8",
            "cntk.adam(epsilon=1e-8); read back from an equal learner's steps on small gradients",
            limits=dict.fromkeys(
                ("hat_1e-8", "hat_1e-7"),
                "cntk.adam adds epsilon to the root of the uncorrected second moment, the same for all steps",
            ),
        ),
        "adam_count": Supported(
            "one",
            "read back from an equal learner's step on a gradient of 1",
            limits=dict.fromkeys(("two", "unordered"), "CNTK increments its counter before the correction"),
        ),
    },
)
