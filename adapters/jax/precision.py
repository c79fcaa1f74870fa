"""Precision in JAX, for every network."""

import jax
from jax import lax
from jax import numpy as jnp

PRECISIONS = {"float32": jnp.float32, "float64": jnp.float64, "tf32": jnp.float32, "bfloat16": jnp.float32}
# The precision in which layers compute: they cast the weights, which remain in the precision above.
COMPUTED = dict(PRECISIONS, bfloat16=jnp.bfloat16)
# Precision of products. A CUDA device's tensor cores round float32 unless it is the highest, also by default.
PRODUCTS = {"float32": "highest", "float64": "highest", "tf32": "high", "bfloat16": "default"}


def set_precision(settings):
    jax.config.update("jax_enable_x64", settings["precision"] == "float64")
    jax.config.update("jax_default_matmul_precision", PRODUCTS[settings["precision"]])


def read_precision(product):
    """product: a convolution or a matrix product in a traced program."""
    name = product.invars[0].aval.dtype.name
    exact = product.params["precision"] == (lax.Precision.HIGHEST, lax.Precision.HIGHEST)
    return "tf32" if name == "float32" and not exact else name
