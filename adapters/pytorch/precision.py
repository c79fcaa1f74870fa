"""Precision and kernels in PyTorch, for every network."""

import contextlib

import torch

PRECISIONS = {"float32": torch.float32, "float64": torch.float64, "tf32": torch.float32, "bfloat16": torch.float32}


def set_kernels(settings):
    torch.backends.mkldnn.set_flags(settings["cpu_kernels"] == "onednn")
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = settings["precision"] == "tf32"


def read_kernels():
    return "onednn" if torch.backends.mkldnn.enabled else "own"


def casting(network, settings):
    """The context of a forward pass: in bfloat16 it casts the operands of convolutions and dense layers only."""
    if settings["precision"] == "bfloat16":
        return torch.autocast(network.device, torch.bfloat16)
    return contextlib.nullcontext()


def read_precision(network, settings, weight):
    with casting(network, settings):
        if torch.is_autocast_enabled(network.device):
            return "bfloat16"
    name = str(weight.dtype).split(".")[1]
    return "tf32" if name == "float32" and torch.backends.cudnn.allow_tf32 else name
