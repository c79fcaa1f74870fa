"""Devices, threads and graphs in TensorFlow, for every network."""

import tensorflow as tf


def graph(function, input_signature=None):
    """tf.function without AutoGraph, which takes half a second: no Python branch depends on a tensor."""
    return tf.function(function, input_signature=input_signature, autograph=False)


def configure_devices(network):
    """Set threads and memory, which TensorFlow reads before its first operation."""
    tf.config.threading.set_intra_op_parallelism_threads(network.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
