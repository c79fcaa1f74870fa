"""Threads, memory and random numbers in JAX, for every network."""

import os

import jax


def configure_devices(network):
    """XLA reads these when it first computes: the size of its CPU thread pool, and whether it reserves three quarters
    of a GPU's memory at once, too much for a trial that shares the GPU.
    """
    os.environ["NPROC"] = os.environ["PJRT_NPROC"] = str(network.threads)
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"


def quick_draws():
    """A context in which JAX draws random numbers as it did by default before 0.5. The present default, for arrays on
    several devices, takes XLA 3 to 12 seconds to compile for each shape of a convolution's kernel. The distributions
    are the same.
    """
    return jax.threefry_partitionable(False)
