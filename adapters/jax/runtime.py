"""How JAX runs: threads and memory, for every network."""

import os

import jax


def configure_devices(network):
    """XLA reads these when it first computes: its pool of CPU threads, and whether it takes three quarters of a GPU at
    once, which leaves nothing to a trial that shares the GPU."""
    os.environ["NPROC"] = os.environ["PJRT_NPROC"] = str(network.threads)
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"


def quick_draws():
    """A context in which numbers are drawn as JAX did by default before 0.5. What it does since takes XLA 3 to 12
    seconds of compiling for each shape of a convolution's kernel; it is for arrays that lie on several devices. Both
    draw the same laws.
    """
    return jax.threefry_partitionable(False)
