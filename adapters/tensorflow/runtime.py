"""How TensorFlow runs: devices, threads and graphs, for every network."""

import tensorflow as tf


def graph(function, input_signature=None):
    """Traced as it stands: no Python branch depends on a tensor, so AutoGraph would only rewrite the source, half a
    second long.
    """
    return tf.function(function, input_signature=input_signature, autograph=False)


def configure_devices(network):
    """Threads and memory: TensorFlow wants to know before its first operation."""
    tf.config.threading.set_intra_op_parallelism_threads(network.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
