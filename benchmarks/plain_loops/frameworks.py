"""What the plain loops of all networks share."""

import os


def set_threads(tf):
    """As the adapter does, but before the plain loop starts the runtime."""
    tf.config.threading.set_intra_op_parallelism_threads(2)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def keras2():
    """Keras 2 as its adapter imports it."""
    from adapters.keras2.backends import keras

    return keras


def keras3():
    """On the back end that KERAS_BACKEND names."""
    os.environ["NPROC"] = os.environ["PJRT_NPROC"] = "2"  # XLA reads them when it first computes
    if os.environ["KERAS_BACKEND"] == "tensorflow":
        import tensorflow as tf

        set_threads(tf)
    from adapters.keras3.backends import keras

    return keras


def in_keras2_graph(loop):
    """The loop in a separate graph and session of TensorFlow: the adapter clears Keras's."""
    import tensorflow as tf

    session = tf.Session(
        graph=tf.Graph(), config=tf.ConfigProto(intra_op_parallelism_threads=2, inter_op_parallelism_threads=2)
    )

    def within(function, *arguments):
        with session.graph.as_default(), session.as_default():
            return function(*arguments)

    step, published = within(loop)
    return lambda x, y: within(step, x, y), published
