"""Caffe2: defaults and supported settings."""

from adapters.contract.declarations import LOOP, NO_CUDNN, NO_TRANSPOSITION
from adapters.contract.spec import AdapterSpec, Published, Supported, Unsupported

SPEC = AdapterSpec(
    name="caffe2",
    framework="Caffe2",
    package="torch",  # Caffe2 has no version of its own since it ships in PyTorch's package
    module="adapters.caffe2",
    python="3.9",
    models={"cnn": "adapters.caffe2.cnn:Model", "gru": "adapters.caffe2.gru:Model"},
    # The notebook requests these choices; it does not request Nesterov's momentum, which is build_sgd's default.
    published={"cnn": Published("Caffe2_CNN", {"autotune": "on", "relu": "after_pool", "input_gradient": "skipped"})},
    conflicts=(NO_TRANSPOSITION,),
    settings={
        **LOOP,
        "layout": Supported("nchw", "ModelHelper.arg_scope['order']; the convolutions' argument order"),
        "autotune": Supported(
            "off",
            "ModelHelper.arg_scope['cudnn_exhaustive_search']; the convolutions' argument exhaustive_search",
            inert=NO_CUDNN,
        ),
        "winograd": Unsupported(
            "cuDNN chooses among all its algorithms; Caffe2 can select one (force_algo), but exclude none"
        ),
        "cpu_kernels": Unsupported(
            "oneDNN's kernels run on Caffe2's device IDEEP, where training is wrong: MomentumSGDUpdate adds a "
            "convolution's gradient, "
            "which is in oneDNN's memory order, to a momentum in the plain order"
        ),
        "compile": Supported(
            "graph",
            "every Caffe2 model is a net, which is a graph",
            limits={
                "eager": "Caffe2 defines a net before anything runs; its gradients are operators added to that net"
            },
        ),
        "precision": Supported(
            "float32",
            "dtype of the parameters",
            limits={
                "float64": "Caffe2's kernels of convolution, pooling, dense layers, losses and optimizers take "
                "float32 only",
                "tf32": "the last package with Caffe2 is built for CUDA 10.2, which is older than the format",
                "bfloat16": "Caffe2 has no tensors of this type",
            },
        ),
        "init": Supported(
            "lecun_uniform",
            "brew.conv and brew.fc: XavierFill, whose limit is sqrt(3 / fan_in); read back from the weights",
            limits={"lecun_truncated": "Caffe2 has no fill operator with a truncated normal"},
        ),
        "bias_init": Supported("zeros", "brew.conv and brew.fc: ConstantFill; read back from the weights"),
        "conv_bias": Supported("on", "brew.conv adds one without no_bias; inputs of the operator Conv"),
        "conv_padding": Supported("valid", "the operator Conv's argument pad, 0 if not set"),
        "pool_stride": Supported("one", "the operator MaxPool's argument stride, 1 if not set"),
        "relu": Supported("before_pool", "order of the operators in the net"),
        "momentum": Supported(
            "classical", "optimizer.build_sgd; read back from an equal optimizer's step on a gradient of 1"
        ),
        "nesterov": Supported(
            "on", "optimizer.SgdOptimizer(nesterov=True); read back from an equal optimizer's step on a gradient of 1"
        ),
        "clip": Supported(
            "none",
            "modeling.gradient_clipping.GradientClipping is optional; read back from an equal optimizer's step on a "
            "gradient of 1",
        ),
        "input_gradient": Supported(
            "computed", "the operator Conv's argument no_gradient_to_input, off if not set; outputs of ConvGradient"
        ),
        "dropout_at_test": Supported(
            "off", "brew.dropout requires is_test; that argument of the dropouts in the prediction net"
        ),
        "loss": Supported(
            "probabilities", "LabelCrossEntropy's documentation: it follows Softmax; the operators in the net"
        ),
        "labels": Supported("sparse", "LabelCrossEntropy takes class indices; rank of the labels"),
        "loader": Supported(
            "generator", "workspace.FeedBlob accepts any array; dataset.Dataset.random_reader is optional"
        ),
        "sequence_layout": Supported(
            "tnc",
            "gru_cell.GRU's documentation: a sequence is T x N x D",
            limits={"ntc": "Caffe2's recurrent operators take time steps first"},
        ),
        "padding": Supported("post", "PackSegments' documentation: it pads at the end; position of the zeros"),
        "embedding_init": Supported(
            "lecun_uniform",
            "brew has no embedding layer: XavierFill, as in all its layers; read back from the weights",
        ),
        "embedding_gradient": Supported("sparse", "Gather(dense_gradient=False); whether the net has SparseAdam"),
        "rnn_kernel": Supported(
            "cell",
            "gru_cell.GRU; the operators of its step net",
            limits={
                "fused": "the operator Recurrent is cuDNN's: it runs on CUDA devices only, and its weights are one "
                "unnamed blob"
            },
        ),
        "rnn_init": Supported("lecun_uniform", "brew.fc in gru_cell.GRUCell: XavierFill; read back from the weights"),
        # With reset before, Caffe2's cell has an additional bias: see the optimizer in gru.py.
        "reset": Supported("before", "gru_cell.GRUCell(linear_before_reset=False); order of the step net's operators"),
        "gates": Supported(
            "sigmoid",
            "the operators of the step net",
            limits={"hard_sigmoid": "gru_cell.GRUCell and its operator GRUUnit have sigmoid gates"},
        ),
        "adam_epsilon": Supported(
            "plain_1e-8",
            "optimizer.AdamOptimizer(epsilon=1e-8); read back from its steps on small gradients",
            limits=dict.fromkeys(
                ("hat_1e-8", "hat_1e-7"),
                "Adam adds epsilon to the root of the uncorrected second moment, one epsilon for all steps of a net",
            ),
        ),
        "adam_count": Supported(
            "two",
            "the net increments the counter before Adam adds one to it; read back from the optimizer's step on a "
            "gradient of 1",
            limits={"unordered": "the operators of a net run in order"},
        ),
    },
)
