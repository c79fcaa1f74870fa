"""The differences between Keras 2.3's back ends: a class for each, and BACKEND, the one in use."""

import importlib
import os
import sys

import numpy as np

# Keras's configuration file is in the environment, not in the user's home; Keras reads it when it is imported.
os.environ["KERAS_HOME"] = os.path.join(sys.prefix, "keras")
keras = importlib.import_module("keras")
K = keras.backend


def start(network, settings, seed):
    """Set Keras's global state, and clear earlier models."""
    np.random.seed(seed)  # Keras takes the seeds of its initializers and of dropout from NumPy
    K.set_floatx(settings["precision"])
    BACKEND.start(network, settings, seed)


class Backend(object):
    def start(self, network, settings, seed):
        """Set device, threads, seed and the other state that a network is built with."""
        raise NotImplementedError

    def report(self):
        """{setting: choice} in force for the whole back end."""
        raise NotImplementedError

    def depends(self, tensor, other):
        """Whether a tensor is computed from another."""
        raise NotImplementedError

    def returned(self, function):
        """Number of results of a compiled function."""
        return len(function.outputs)

    def counter(self, steps):
        """The counter of an optimizer that has taken `steps` steps."""
        return K.variable(steps, dtype="int64")

    def order(self, updates):
        """Increment the counter after the optimizer has read it, as a back end does that updates all at once."""

    def ordered(self, updates):
        """Whether the counter is incremented after the optimizer has read it."""
        return True

    def kernel(self, array):
        """A convolution's kernel (out, in, height, width) as the framework applies it, or back."""
        return array


class TensorFlow(Backend):
    def start(self, network, settings, seed):
        import tensorflow as tf

        K.clear_session()
        tf.set_random_seed(seed)
        config = tf.ConfigProto(
            intra_op_parallelism_threads=network.threads,
            inter_op_parallelism_threads=network.threads,
            allow_soft_placement=True,
        )
        config.gpu_options.allow_growth = True
        K.set_session(tf.Session(config=config))

    def report(self):
        return {
            "autotune": "off" if os.environ.get("TF_CUDNN_USE_AUTOTUNE") == "0" else "on",
            "winograd": "off" if os.environ.get("TF_ENABLE_WINOGRAD_NONFUSED") == "0" else "on",
            "cpu_kernels": "own" if os.environ.get("TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL") == "0" else "onednn",
        }

    def depends(self, tensor, other):
        return K.gradients(tensor, [other]) != [None]

    def order(self, updates):
        increment = updates[0].op
        reads = [op for op in increment.inputs[0].consumers() if op.type == "ReadVariableOp"]
        increment._add_control_inputs([op for op in reads if increment not in op.control_inputs])

    def ordered(self, updates):
        return bool(updates[0].op.control_inputs)


class Theano(Backend):
    ALGORITHMS = {"off": ("small", "none", "none"), "on": ("time_once", "time_once", "time_once")}

    def start(self, network, settings, seed):
        import theano

        theano.config.floatX = settings["precision"]  # K.set_floatx does not change it
        conv = theano.config.dnn.conv
        conv.algo_fwd, conv.algo_bwd_filter, conv.algo_bwd_data = self.ALGORITHMS[settings.get("autotune", "off")]
        if network.device == "cuda":
            importlib.import_module("theano.gpuarray").use("cuda")

    def report(self):
        conv = importlib.import_module("theano").config.dnn.conv
        algorithms = conv.algo_fwd, conv.algo_bwd_filter, conv.algo_bwd_data
        return {"autotune": {names: choice for choice, names in self.ALGORITHMS.items()}[algorithms]}

    def depends(self, tensor, other):
        return other in importlib.import_module("theano.gof.graph").ancestors([tensor])

    def returned(self, function):
        return len(function.function.maker.outputs)

    def kernel(self, array):
        return array[:, :, ::-1, ::-1]  # Theano's convolution flips its kernel


class CNTK(Backend):
    """CNTK uses the best device: Keras selects it when it is imported."""

    def start(self, network, settings, seed):
        import cntk as C

        C.cntk_py.set_max_num_cputhreads(max(2, network.threads))  # with one thread CNTK 2.7 crashes with SIGFPE
        C.cntk_py.set_fixed_random_seed(seed + 1)
        K.gradients = self.gradients

    def report(self):
        return {"autotune": "on"}

    def depends(self, tensor, other):
        import cntk as C

        return bool(C.logging.graph.depth_first_search(tensor, lambda node: node.uid == other.root_function.uid))

    def returned(self, function):
        return len(function.trainer_output)

    def counter(self, steps):
        # CNTK has no integers: Keras would create float32, which can't be combined with float64.
        return K.variable(steps)

    def gradients(self, loss, variables):
        """K.gradients in the variables' precision: constants that CNTK's trainer overwrites with the gradients."""
        import cntk as C

        places = [
            C.constant(0, variable.shape, variable.dtype, name="keras_grad_placeholder") for variable in variables
        ]
        K.cntk_backend.grad_parameter_dict.update(zip(places, variables))
        return places


BACKEND = {"tensorflow": TensorFlow, "theano": Theano, "cntk": CNTK}[K.backend()]()
