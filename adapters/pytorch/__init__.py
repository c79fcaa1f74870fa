"""What PyTorch does if nobody asks, and what it can be asked for."""
from adapters.spec import AdapterSpec, Supported

SPEC = AdapterSpec(
    name="pytorch",
    framework="PyTorch",
    package="torch",
    module="adapters.pytorch",
    python="3.11",
    models={"cnn": "adapters.pytorch.cnn:Model"},
    settings={
        "layout": Supported("nchw", ("nchw", "nhwc"), "memory format of the convolutions' weights"),
        "autotune": Supported(
            "off", ("off", "on"), "torch.backends.cudnn.benchmark",
            inert={"cpu": "cuDNN runs on CUDA devices only"},
        ),
        "compile": Supported("eager", ("eager", "graph"), "type of the training step: torch.compile wraps it or not"),
        "precision": Supported("float32", ("float32", "float64"), "torch.get_default_dtype(); dtype of the weights"),
        "init": Supported(
            "fan_in_uniform",
            (
                "glorot_uniform", "xavier_224", "fan_in_uniform", "lecun_uniform", "lecun_normal", "lecun_truncated",
                "uniform_007", "uniform_001",
            ),
            "torch.nn.Conv2d.reset_parameters: kaiming_uniform_(a=sqrt(5)); read back from the weights",
        ),
        "bias_init": Supported(
            "fan_in_uniform", ("zeros", "fan_in_uniform"),
            "torch.nn.Conv2d.reset_parameters; read back from the weights",
        ),
        "relu": Supported("before_pool", ("before_pool", "after_pool"), "order of the modules in the network"),
        "momentum": Supported("classical", ("classical", "unit_gain"), "torch.optim.SGD.param_groups; dampening=0"),
        "nesterov": Supported("off", ("off", "on"), "torch.optim.SGD(nesterov=False); what the optimiser makes of a gradient of 1"),
        "dropout_at_test": Supported("off", ("off", "on"), "training flag of the dropout modules in eval mode"),
        "loss": Supported(
            "logits", ("logits", "softmax_twice"), "the function in use; cross_entropy includes softmax",
            limits={"probabilities": "torch.nn.functional.cross_entropy takes scores; none of its losses takes the classes' probabilities"},
        ),
        "labels": Supported("sparse", ("sparse", "one_hot"), "rank of the labels"),
    },
)
