"""MXNet: defaults and supported settings of two interfaces, which share one library and one environment."""

from adapters.contract.declarations import LOOP, NO_CUDNN, NO_TF32, NO_TRANSPOSITION
from adapters.contract.spec import AdapterSpec, Conflict, Published, Supported, Unsupported

# Elements of the smallest array that Python's thread copies with OpenMP: none is that large. Its team of threads would
# count beside the computing ones; with more threads than processors, GNU's OpenMP no longer lets them spin while they
# wait. The GRU took three times as long.
VARIABLES = {"MXNET_CPU_PARALLEL_SIZE": "2000000000"}
SHARED = {
    **LOOP,
    "layout": Supported(
        "nchw",
        "layout of the convolution layers",
        limits={"nhwc": "MXNet's convolution has no channels-last CPU kernel, and its GPU one only with float16"},
    ),
    "autotune": Supported(
        "on",
        "MXNET_CUDNN_AUTOTUNE_DEFAULT, 1 if not set",
        inert=NO_CUDNN,
        variables={"off": {"MXNET_CUDNN_AUTOTUNE_DEFAULT": "0"}, "on": {"MXNET_CUDNN_AUTOTUNE_DEFAULT": "1"}},
    ),
    "winograd": Unsupported("MXNet uses the first suitable algorithm that cuDNN proposes; it can't exclude one"),
    "cpu_kernels": Supported(
        "onednn",
        "MXNET_MKLDNN_ENABLED, 1 if not set; no oneDNN kernel is for float64",
        variables={  # where the first alone is 0, the fused GRU fails
            "onednn": {"MXNET_MKLDNN_ENABLED": "1", "MXNET_USE_MKLDNN_RNN": "1"},
            "own": {"MXNET_MKLDNN_ENABLED": "0", "MXNET_USE_MKLDNN_RNN": "0"},
        },
    ),
    "precision": Supported(
        "float32",
        "dtype of the parameters; NVIDIA_TF32_OVERRIDE, which cuBLAS and cuDNN read (if not set, MXNet lets both use "
        "TensorFloat-32)",
        limits={
            "bfloat16": "only oneDNN's kernels support it, on CPUs with AVX-512: others fail, and so do CUDA devices"
        },
        variables={"float32": {"NVIDIA_TF32_OVERRIDE": "0"}},
    ),
    "conv_bias": Supported("on", "Conv2D(use_bias=True), sym.Convolution(no_bias=False); the layer's parameters"),
    "conv_padding": Supported("valid", "Conv2D(padding=(0, 0)), sym.Convolution(pad=0); the layer's own"),
    "relu": Supported("before_pool", "order of the layers in the network"),
    "momentum": Supported("classical", "read back from the optimizer's step on a gradient of 1"),
    "nesterov": Supported(
        "off", "mxnet.optimizer.SGD, not NAG; read back from the optimizer's step on a gradient of 1"
    ),
    "clip": Supported(
        "none", "mxnet.optimizer.Optimizer(clip_gradient=None); read back from the optimizer's step on a gradient of 1"
    ),
    "padding": Supported("post", "mxnet.rnn.BucketSentenceIter pads sentences at the end; position of the zeros"),
    "reset": Supported(
        "after",
        "the layer has a bias for the state",
        limits={"before": "MXNet's GRU resets after the multiplication, as cuDNN's does"},
    ),
    "gates": Supported(
        "sigmoid",
        "mxnet.gluon.rnn.GRU's documentation",
        limits={"hard_sigmoid": "MXNet's GRU has sigmoid gates"},
    ),
    "adam_epsilon": Supported(
        "plain_1e-8", "mxnet.optimizer.Adam(epsilon=1e-8); read back from the optimizer's steps on small gradients"
    ),
    "adam_count": Supported(
        "one",
        "read back from the optimizer's step on a gradient of 1",
        limits=dict.fromkeys(("two", "unordered"), "mxnet.optimizer.Adam increments its counter before the correction"),
    ),
}
CONFLICTS = (
    Conflict(
        {"embedding_gradient": "sparse", "precision": "float64"},
        "MXNet's lazy Adam has its constants in float32; the one for float64 makes every gradient dense",
    ),
    NO_TRANSPOSITION,
    NO_TF32,
)

GLUON = AdapterSpec(
    name="mxnet-gluon",
    framework="MXNet",
    package="mxnet",
    module="adapters.mxnet",
    python="3.11",
    variables=VARIABLES,
    models={"cnn": "adapters.mxnet.gluon_cnn:Model", "gru": "adapters.mxnet.gluon_gru:Model"},
    published={
        "cnn": Published("Gluon_CNN", {"init": "xavier_224", "relu": "after_pool"}, {"dropout": (0.25, 0.25, 0.25)}),
        "gru": Published(
            "Gluon_RNN",
            {
                "init": "glorot_uniform",
                "embedding_init": "glorot_uniform",
                "rnn_init": "glorot_uniform",
                "sequence_layout": "ntc",
            },
        ),
    },
    conflicts=CONFLICTS,
    settings=dict(
        SHARED,
        compile=Supported("eager", "whether the network is hybridized"),
        pool_stride=Supported("two", "mxnet.gluon.nn.MaxPool2D(strides=None): the pool's size"),
        input_gradient=Supported("skipped", "mxnet.nd.NDArray.attach_grad is optional; the batch's grad"),
        loader=Supported("generator", "Gluon accepts any arrays; mxnet.gluon.data.DataLoader is optional"),
        init=Supported("uniform_007", "Block.initialize(init=Uniform()), scale=0.07; read back from the weights"),
        bias_init=Supported("zeros", "bias_initializer; read back from the weights"),
        dropout_at_test=Supported("off", "autograd.is_training() while predicting"),
        loss=Supported(
            "logits",
            "the loss in use; it includes softmax",
            limits={"probabilities": "Gluon's loss takes scores or log-probabilities"},
        ),
        labels=Supported("sparse", "rank of the labels"),
        sequence_layout=Supported("tnc", "mxnet.gluon.rnn.GRU(layout='TNC')"),
        embedding_init=Supported("uniform_007", "Block.initialize(init=Uniform()); read back from the weights"),
        embedding_gradient=Supported(
            "dense", "mxnet.gluon.nn.Embedding(sparse_grad=False); storage type of the gradient"
        ),
        rnn_kernel=Supported("fused", "type of the recurrent block: mxnet.gluon.rnn.GRU or GRUCell"),
        rnn_init=Supported("uniform_007", "Block.initialize(init=Uniform()); read back from the weights"),
    ),
)

MODULE = AdapterSpec(
    name="mxnet-module",
    framework="MXNet",
    package="mxnet",
    module="adapters.mxnet",
    python="3.11",
    variables=VARIABLES,
    models={"cnn": "adapters.mxnet.module_cnn:Model", "gru": "adapters.mxnet.module_gru:Model"},
    published={
        "cnn": Published("MXNet_CNN", {"init": "glorot_uniform", "relu": "after_pool"}),
        "gru": Published(
            "MXNet_RNN", {"init": "glorot_uniform", "embedding_init": "glorot_uniform", "rnn_init": "glorot_gates"}
        ),
    },
    conflicts=CONFLICTS,
    settings=dict(
        SHARED,
        compile=Supported(
            "graph",
            "Module.binded: the symbol is bound to an executor",
            limits={"eager": "a Module binds a whole symbol before anything runs"},
        ),
        pool_stride=Supported("one", "mxnet.sym.Pooling's stride is 1 along each axis; the symbol's"),
        input_gradient=Supported("skipped", "Module.bind(inputs_need_grad=False); the executor's gradient of the data"),
        loader=Supported("generator", "Module accepts any arrays; mxnet.io.NDArrayIter is optional"),
        init=Supported("uniform_001", "Module.init_params(initializer=Uniform(0.01)); read back from the weights"),
        bias_init=Supported(
            "zeros", "mxnet.init.Initializer fills parameters named bias with zeros; read back from the weights"
        ),
        dropout_at_test=Supported("off", "whether two predictions differ; forward(is_train=False)"),
        loss=Supported(
            "logits",
            "operations of the bound symbol: SoftmaxOutput includes softmax",
            limits={
                "probabilities": "SoftmaxOutput takes scores, and MXNet has no loss operation that takes probabilities"
            },
        ),
        labels=Supported("sparse", "SoftmaxOutput accepts both; rank of the labels"),
        sequence_layout=Supported("ntc", "mxnet.rnn.FusedRNNCell.unroll(layout='NTC'); layout of the bound data"),
        embedding_init=Supported("uniform_001", "Module.init_params; read back from the weights"),
        embedding_gradient=Supported("dense", "mxnet.sym.Embedding(sparse_grad=False); storage type of the gradient"),
        rnn_kernel=Supported(
            "fused", "mxnet.rnn.FusedRNNCell, or GRUCell; whether the bound symbol has an operation RNN"
        ),
        rnn_init=Supported("uniform_001", "Module.init_params; read back from the weights"),
    ),
)
