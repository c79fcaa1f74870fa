"""PyTorch: defaults and supported settings."""

from adapters.contract.declarations import LOOP, NO_CPU, NO_CUDNN, NO_TF32, NO_TRANSPOSITION
from adapters.contract.spec import AdapterSpec, Conflict, Published, Supported, Unsupported

SPEC = AdapterSpec(
    name="pytorch",
    framework="PyTorch",
    package="torch",
    module="adapters.pytorch",
    python="3.11",
    models={"cnn": "adapters.pytorch.cnn:Model", "gru": "adapters.pytorch.gru:Model"},
    published={
        "cnn": Published("PyTorch_CNN", {"relu": "after_pool", "autotune": "on"}),
        "gru": Published(
            "PyTorch_RNN", {"sequence_layout": "ntc"}
        ),  # its U(-0.1, 0.1) is PyTorch's default for 100 units
    },
    conflicts=(
        Conflict(
            {"compile": "graph", "rnn_kernel": "fused"}, "torch.compile unrolls the time steps: minutes for 150 of them"
        ),
        Conflict(
            {"compile": "graph", "rnn_kernel": "cell"}, "torch.compile unrolls the time steps: minutes for 150 of them"
        ),
        NO_TRANSPOSITION,
        NO_TF32,
    ),
    settings={
        **LOOP,
        "layout": Supported("nchw", "memory format of the convolutions' weights"),
        "autotune": Supported("off", "torch.backends.cudnn.benchmark", inert=NO_CUDNN),
        "compile": Supported("eager", "type of the training step: whether torch.compile wraps it"),
        "winograd": Unsupported("cuDNN's heuristics choose among all its algorithms; PyTorch can't exclude one"),
        "cpu_kernels": Supported("onednn", "torch.backends.mkldnn.enabled", inert=NO_CPU),
        "precision": Supported(
            "float32",
            "torch.get_default_dtype(); dtype of the weights, torch.backends.*.allow_tf32 (on by default for cuDNN's "
            "convolutions), "
            "torch.autocast in the forward pass",
        ),
        "init": Supported(
            "fan_in_uniform",
            "torch.nn.Conv2d.reset_parameters: kaiming_uniform_(a=sqrt(5)); read back from the weights",
        ),
        "bias_init": Supported("fan_in_uniform", "torch.nn.Conv2d.reset_parameters; read back from the weights"),
        "conv_bias": Supported("on", "torch.nn.Conv2d(bias=True)"),
        "conv_padding": Supported("valid", "torch.nn.Conv2d(padding=0)"),
        "pool_stride": Supported("two", "torch.nn.MaxPool2d(stride=None): the kernel's size"),
        "relu": Supported("before_pool", "order of the modules in the network"),
        "momentum": Supported("classical", "torch.optim.SGD.param_groups; dampening=0"),
        "nesterov": Supported(
            "off", "torch.optim.SGD(nesterov=False); read back from the optimizer's step on a gradient of 1"
        ),
        "clip": Supported(
            "none", "torch.nn.utils.clip_grad_value_ is a separate call; read back from a step on a gradient of 1"
        ),
        "input_gradient": Supported("skipped", "torch.Tensor.requires_grad, False if not set; the batch's"),
        "dropout_at_test": Supported("off", "training flag of the dropout modules in eval mode"),
        "loss": Supported(
            "logits",
            "the function in use; cross_entropy includes softmax",
            limits={
                "probabilities": "torch.nn.functional.cross_entropy takes scores; none of its losses takes class "
                "probabilities"
            },
        ),
        "labels": Supported("sparse", "rank of the labels"),
        "loader": Supported("generator", "PyTorch accepts any tensors; torch.utils.data.DataLoader is optional"),
        "sequence_layout": Supported("tnc", "torch.nn.GRU.batch_first, False if not set"),
        "padding": Supported("post", "torch.nn.utils.rnn.pad_sequence(padding_side='right'); position of the zeros"),
        "embedding_init": Supported("normal_1", "torch.nn.Embedding; read back from the weights"),
        "embedding_gradient": Supported(
            "dense",
            "torch.nn.Embedding.sparse, False if not set",
            limits={"sparse": "torch.optim.Adam does not accept sparse gradients; SparseAdam is another optimizer"},
        ),
        "rnn_kernel": Supported("fused", "type of the recurrent module: torch.nn.GRU or GRUCell"),
        "rnn_init": Supported("hidden_uniform", "torch.nn.GRU.reset_parameters; read back from the weights"),
        "reset": Supported(
            "after",
            "torch.nn.GRU has a bias for the state",
            limits={"before": "torch.nn.GRU and GRUCell reset after the multiplication"},
        ),
        "gates": Supported(
            "sigmoid",
            "torch.nn.GRU's documentation",
            limits={"hard_sigmoid": "torch.nn.GRU and GRUCell have sigmoid gates"},
        ),
        "adam_epsilon": Supported(
            "hat_1e-8", "torch.optim.Adam(eps=1e-8); read back from its steps on small gradients"
        ),
        "adam_count": Supported(
            "one",
            "read back from the optimizer's step on a gradient of 1",
            limits=dict.fromkeys(("two", "unordered"), "torch.optim.Adam increments its counter before the correction"),
        ),
    },
)
