"""Precision and kernels in MXNet, for both interfaces and every network."""

import mxnet as mx
import numpy as np


def read_kernels():
    built, wanted = mx.runtime.Features().is_enabled("MKLDNN"), mx.util.getenv("MXNET_MKLDNN_ENABLED")
    return "onednn" if built and wanted != "0" else "own"


def read_precision(weight):
    name, rounding = np.dtype(weight.dtype).name, mx.util.getenv("NVIDIA_TF32_OVERRIDE") != "0"
    return "tf32" if name == "float32" and rounding else name
