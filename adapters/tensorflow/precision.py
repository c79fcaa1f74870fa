"""Precision and kernels in TensorFlow, for every network."""

import tensorflow as tf
from tensorflow.python.util import _pywrap_util_port  # there is no public function for whether oneDNN is on

PRECISIONS = {"float32": tf.float32, "float64": tf.float64, "tf32": tf.float32, "bfloat16": tf.float32}
# The precision in which layers compute: they cast the variables, which remain in the precision above.
COMPUTED = dict(PRECISIONS, bfloat16=tf.bfloat16)


def set_precision(settings):
    tf.config.experimental.enable_tensor_float_32_execution(settings["precision"] == "tf32")


def read_kernels():
    return "onednn" if _pywrap_util_port.IsMklEnabled() else "own"


def read_precision(product):
    """product: a convolution or a matrix product in a traced graph."""
    name = product.get_attr("T").name
    return "tf32" if name == "float32" and tf.config.experimental.tensor_float_32_execution_enabled() else name
