"""Lasagne on Theano: defaults and supported settings."""

from adapters.contract.declarations import LOOP, NO_CUDNN
from adapters.contract.spec import AdapterSpec, Published, Supported, Unsupported

SPEC = AdapterSpec(
    name="lasagne",
    framework="Lasagne",
    package="lasagne",
    module="adapters.lasagne",
    python="3.8",
    models={"cnn": "adapters.lasagne.cnn:Model", "gru": "adapters.lasagne.gru:Model"},
    published={"cnn": Published("Theano_Lasagne_CNN", {"precision": "float32", "autotune": "on"})},
    variables={"THEANORC": "/dev/null"},  # ignore the user's ~/.theanorc
    post_install="adapters.lasagne.complete",
    settings={
        **LOOP,
        "layout": Supported(
            "nchw",
            "axes of the convolutions' weights",
            limits={"nhwc": "theano.tensor.nnet.conv2d takes channels first only"},
        ),
        "autotune": Supported(
            "off",
            "theano.config.dnn.conv.algo_fwd, algo_bwd_filter, algo_bwd_data: small, none, none if not set",
            inert=NO_CUDNN,
        ),
        "winograd": Unsupported(
            "Theano selects cuDNN's algorithm or lets cuDNN choose among all; it can't exclude one"
        ),
        "cpu_kernels": Unsupported("Theano generates its operations in C and calls a BLAS; it has no oneDNN kernels"),
        "compile": Supported(
            "graph",
            "type of the training step: a compiled theano.function",
            limits={"eager": "Theano builds a graph before anything runs"},
        ),
        "precision": Supported(
            "float64",
            "theano.config.floatX, float64 if not set; dtype of the parameters",
            limits={
                "tf32": "the last Theano is for cuDNN 7, which has no TensorFloat-32",
                "bfloat16": "no such type: theano.tensor.TensorType has float16, float32 and float64",
            },
        ),
        "init": Supported(
            "glorot_uniform", "lasagne.layers.Conv2DLayer(W=GlorotUniform()); read back from the weights"
        ),
        "bias_init": Supported("zeros", "lasagne.layers.Conv2DLayer(b=Constant(0)); read back from the weights"),
        "conv_bias": Supported("on", "lasagne.layers.Conv2DLayer(b=Constant(0)), None for no bias"),
        "conv_padding": Supported("valid", "lasagne.layers.Conv2DLayer(pad=0)"),
        "pool_stride": Supported("two", "lasagne.layers.MaxPool2DLayer(stride=None): the pool's size"),
        "relu": Supported(
            "before_pool",
            "lasagne.layers.Conv2DLayer(nonlinearity=rectify); the nonlinearity of the convolution before a pooling",
        ),
        "momentum": Supported("classical", "lasagne.updates.momentum; read back from its step on a gradient of 1"),
        "nesterov": Supported(
            "off", "lasagne.updates.momentum, not nesterov_momentum; read back from its step on a gradient of 1"
        ),
        "clip": Supported(
            "none",
            "theano.tensor.clip is a separate call (lasagne.updates limits norms only); read back from a step "
            "on a gradient of 1",
        ),
        "input_gradient": Supported(
            "skipped",
            "theano.grad computes the requested gradients; the number of results of the step, one of which "
            "is the gradient",
        ),
        "dropout_at_test": Supported("off", "random numbers in the compiled prediction function"),
        "loss": Supported(
            "probabilities", "lasagne.objectives.categorical_crossentropy takes probabilities; the function in use"
        ),
        "labels": Supported("sparse", "categorical_crossentropy accepts both; rank of the labels"),
        "loader": Unsupported("Lasagne has no loader; its examples index the arrays directly"),
        "sequence_layout": Supported("ntc", "lasagne.layers.GRULayer's documentation; a layer that changes the axes"),
        "padding": Supported(
            "post", "lasagne.layers.GRULayer(mask_input): a sequence's words come first; position of the zeros"
        ),
        "embedding_init": Supported(
            "normal_001", "lasagne.layers.EmbeddingLayer(W=Normal()); read back from the weights"
        ),
        "embedding_gradient": Supported(
            "dense",
            "type of theano.grad's gradient",
            limits={"sparse": "lasagne.updates.adam does not accept the sparse matrices of theano.sparse_grad"},
        ),
        "rnn_kernel": Supported(
            "cell",
            "theano.scan in the compiled prediction function",
            limits={
                "fused": "lasagne.layers.GRULayer loops with theano.scan; Theano's RNNBlock is not among its layers, "
                "and needs cuDNN"
            },
        ),
        "rnn_init": Supported(
            "normal_01", "lasagne.layers.Gate(W_in=Normal(0.1), W_hid=Normal(0.1)); read back from the weights"
        ),
        "reset": Supported(
            "after",
            "lasagne.layers.GRULayer's documentation; it has one bias per gate; the adapter adds the state's",
        ),
        "gates": Supported("sigmoid", "lasagne.layers.Gate(nonlinearity=sigmoid); the layer's function"),
        "adam_epsilon": Supported(
            "plain_1e-8", "lasagne.updates.adam(epsilon=1e-8); read back from its steps on small gradients"
        ),
        "adam_count": Supported(
            "one",
            "read back from lasagne.updates.adam's step on a gradient of 1",
            limits=dict.fromkeys(
                ("two", "unordered"), "lasagne.updates.adam increments its counter in the graph, before the correction"
            ),
        ),
    },
)
