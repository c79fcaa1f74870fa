"""Chainer: defaults and supported settings."""

from adapters.contract.declarations import LOOP, NO_CUDNN, NO_TRANSPOSITION
from adapters.contract.spec import AdapterSpec, Published, Supported, Unsupported

SPEC = AdapterSpec(
    name="chainer",
    framework="Chainer",
    package="chainer",
    module="adapters.chainer",
    python="3.11",
    models={"cnn": "adapters.chainer.cnn:Model", "gru": "adapters.chainer.gru:Model"},
    published={"cnn": Published("Chainer_CNN", {"relu": "after_pool", "autotune": "on"})},
    conflicts=(NO_TRANSPOSITION,),
    settings={
        **LOOP,
        "layout": Supported(
            "nchw", "axes of the convolutions' weights", limits={"nhwc": "Chainer's links take channels first only"}
        ),
        "autotune": Supported("off", "chainer.config.autotune", inert=NO_CUDNN),
        "winograd": Unsupported("cuDNN's heuristics choose among all its algorithms; Chainer can't exclude one"),
        "cpu_kernels": Unsupported(
            "chainer.config.use_ideep needs ideep4py, which was built for Python 2.7 to 3.7 only"
        ),
        "compile": Unsupported("Chainer is define-by-run: each operation runs when Python reaches it"),
        "precision": Supported(
            "float32",
            "chainer.config.dtype; dtype of the parameters",
            limits={
                "tf32": "Chainer is older than the format and has no switch for it",
                "bfloat16": "Chainer's arrays are NumPy's or CuPy's, which have no such type; chainer.mixed16 is "
                "float16",
            },
        ),
        "init": Supported(
            "lecun_normal",
            "chainer.links.Convolution2D(initialW=None): LeCunNormal; read back from the weights",
            limits={"lecun_truncated": "Chainer has no truncated normal"},
        ),
        "bias_init": Supported(
            "zeros", "chainer.links.Convolution2D(initial_bias=None): 0; read back from the weights"
        ),
        "conv_bias": Supported("on", "chainer.links.Convolution2D(nobias=False); the link's parameters"),
        "conv_padding": Supported("valid", "chainer.links.Convolution2D(pad=0)"),
        "pool_stride": Supported(
            "two", "chainer.functions.max_pooling_2d(stride=None): the window's size; the function's node"
        ),
        "relu": Supported("before_pool", "order of the functions after a convolution"),
        "momentum": Supported("classical", "optimizer.hyperparam.lr"),
        "nesterov": Supported(
            "off",
            "MomentumSGD; read back from the optimizer's step on a gradient of 1",
            limits={
                "on": "NesterovAG uses the velocity after its update where Nesterov's step uses the one before: a "
                "first step of 2.71 lr, not 1.9 lr"
            },
        ),
        "clip": Supported(
            "none",
            "chainer.optimizer_hooks.GradientHardClipping is optional; read back from the optimizer's step on a "
            "gradient of 1",
        ),
        "input_gradient": Supported(
            "skipped", "chainer.as_variable(array) requires no gradient; chainer.Variable.requires_grad of the batch"
        ),
        "dropout_at_test": Supported("off", "chainer.config.train while predicting"),
        "loss": Supported(
            "logits",
            "the function in use; it includes softmax",
            limits={"probabilities": "chainer.functions.softmax_cross_entropy takes scores"},
        ),
        "labels": Supported("sparse", "rank of the labels"),
        "loader": Supported(
            "generator", "links accept any array; chainer.iterators.SerialIterator with an order_sampler is optional"
        ),
        "sequence_layout": Supported("ntc", "NStepGRU takes a list of sequences; the axis that is separated"),
        "padding": Supported("post", "chainer.dataset.concat_examples(padding) pads at the end; position of the zeros"),
        "embedding_init": Supported("normal_1", "chainer.links.EmbedID; read back from the weights"),
        "embedding_gradient": Supported(
            "dense", "gradient of EmbedID.W", limits={"sparse": "Chainer's gradients have every row"}
        ),
        "rnn_kernel": Supported(
            "fused",
            "type of the recurrent link: NStepGRU, which is one kernel with cuDNN",
            limits={
                "cell": "chainer.links.StatefulGRU is another formula: it resets before the multiplication, with two "
                "links per gate"
            },
        ),
        "rnn_init": Supported("lecun_normal", "chainer.links.NStepGRU(initialW=None); read back from the weights"),
        "reset": Supported(
            "after",
            "chainer.functions.n_step_gru's documentation; it has a bias for the state",
            limits={"before": "NStepGRU resets after the multiplication"},
        ),
        "gates": Supported(
            "sigmoid",
            "chainer.functions.n_step_gru's documentation",
            limits={"hard_sigmoid": "NStepGRU has sigmoid gates"},
        ),
        "adam_epsilon": Supported(
            "plain_1e-8", "chainer.optimizers.Adam(eps=1e-8); read back from its steps on small gradients"
        ),
        "adam_count": Supported(
            "one",
            "read back from the optimizer's step on a gradient of 1",
            limits=dict.fromkeys(("two", "unordered"), "Chainer increments its counter before the correction"),
        ),
    },
)
