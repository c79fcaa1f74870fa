"""How JAX runs: threads and memory, for every network."""
import os


def configure_devices(network):
    """XLA reads these when it first computes: its pool of CPU threads, and whether it takes three quarters of a GPU at once,
    which leaves nothing to a trial that shares the GPU."""
    os.environ["NPROC"] = os.environ["PJRT_NPROC"] = str(network.threads)
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
