"""The differences between Keras 3's back ends. Importing this module imports Keras on the back end in KERAS_BACKEND."""

import contextlib
import os
import random
import sys

# Before Keras is imported: a user's keras.json would change layout, precision and epsilon.
os.environ["KERAS_HOME"] = os.path.join(sys.prefix, "share", "keras")

import keras
import numpy as np
from keras.src.backend.common import dtypes  # its promotion table has no public name

LAYOUTS = {"nchw": "channels_first", "nhwc": "channels_last"}
POLICIES = {"float32": "float32", "float64": "float64", "tf32": "float32", "bfloat16": "mixed_bfloat16"}
# Keras turns a Python float into float32 before it casts it to the precision of the variables.
NUMBERS = {"float32": float, "float64": np.float64}
INITIALIZERS = {
    "glorot_uniform": keras.initializers.GlorotUniform,
    "xavier_224": lambda: keras.initializers.VarianceScaling(2.24 / 3, "fan_avg", "uniform"),
    "fan_in_uniform": lambda: keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform"),
    "lecun_uniform": keras.initializers.LecunUniform,
    "lecun_normal": lambda: keras.initializers.VarianceScaling(1.0, "fan_in", "untruncated_normal"),
    "lecun_truncated": keras.initializers.LecunNormal,
    "uniform_007": lambda: keras.initializers.RandomUniform(-0.07, 0.07),
    "uniform_001": lambda: keras.initializers.RandomUniform(-0.01, 0.01),
}
PROMOTED = dtypes.BIT64_TO_BIT32_DTYPE["float64"]


def configure(network, settings, seed):
    """Set Keras's global state, and return the back end for one model."""
    # Keras draws the seeds of initializers and dropout here; keras.utils.set_random_seed would import TensorFlow.
    random.seed(seed)
    policy = keras.DTypePolicy(POLICIES[settings["precision"]])
    keras.config.set_floatx(policy.variable_dtype)
    keras.config.set_dtype_policy(policy)
    if "layout" in settings:
        keras.config.set_image_data_format(LAYOUTS[settings["layout"]])
    # On every back end but TensorFlow, Keras's functions would turn float64 into float32 in a float64 network.
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64" if settings["precision"] == "float64" else PROMOTED
    return BACKENDS[keras.backend.backend()](network, settings, seed)


class BackEnd(object):
    """Runs Keras's own training function, as Model.fit does: train_on_batch would wait for each loss."""

    compile_options = {"graph": {}, "eager": {"run_eagerly": True}}
    softmax = staticmethod(keras.activations.softmax)

    def __init__(self, network, settings, seed):
        self.network, self.settings = network, settings

    def draws(self):
        """The context in which a network's first weights are drawn."""
        return contextlib.nullcontext()

    def compile(self, net, scores, loss, optimizer):
        """Model.compile of the training network and of its prediction part, according to the setting compile."""
        options = self.compile_options[self.settings["compile"]]
        net.compile(optimizer, loss, **options)
        net.optimizer.build(net.trainable_variables)
        net.make_train_function()
        scores.compile(None, **options)

    def train_step(self, model, x, y):
        model.reset_metrics()  # Keras reports the mean of the losses since then
        return model.train_function([(self.inputs(x), keras.ops.convert_to_tensor(y))])["loss"]

    def inputs(self, x):
        return keras.ops.convert_to_tensor(x)

    def settle(self, model):
        """Update the model's variables from the back end's state."""

    def sum_gradients(self, optimizer):
        """Make the optimizer receive one gradient row per word, the occurrences summed; by default it does."""

    def embedding_gradient(self, optimizer):
        return "dense"

    def kernel(self, gru):
        """The choice of the setting rnn_kernel in a layer's options."""
        made = {
            name: all(getattr(gru, key) == value for key, value in options.items())
            for name, options in self.kernels.items()
        }
        return next(name for name, matches in made.items() if matches)

    def precision(self, layer):
        """The choice of the setting precision, from a layer's compute type and the type of its weights."""
        if layer.compute_dtype != layer.variable_dtype:
            return layer.compute_dtype
        stored = str(np.asarray(layer.get_weights()[0]).dtype)
        return "tf32" if stored == "float32" and self.tf32() else stored

    def autotune(self):
        return "off" if "autotune_level=0" in os.environ.get("XLA_FLAGS", "") else "on"

    def report(self, model):
        """{setting: choice} of the settings that concern the whole model."""
        return {"compile": self.compiled(model), "autotune": self.autotune()}


class TensorFlow(BackEnd):
    kernels = {"fused": {"use_cudnn": "auto"}, "cell": {"use_cudnn": False}}

    def __init__(self, network, settings, seed):
        import tensorflow

        super().__init__(network, settings, seed)
        self.tensorflow = tensorflow
        tensorflow.config.threading.set_intra_op_parallelism_threads(network.threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        tensorflow.config.experimental.enable_tensor_float_32_execution(settings["precision"] == "tf32")
        for gpu in tensorflow.config.list_physical_devices("GPU"):
            tensorflow.config.experimental.set_memory_growth(gpu, True)

    @staticmethod
    def softmax(scores):
        """Softmax followed by a copy: from a bare softmax Keras's loss would take the scores."""
        return keras.ops.copy(keras.activations.softmax(scores))

    def synchronize(self, model):
        self.tensorflow.test.experimental.sync_devices()

    def sum_gradients(self, optimizer):
        apply, dense = optimizer.apply, self.tensorflow.convert_to_tensor
        optimizer.apply = lambda gradients, variables=None: apply(
            [dense(gradient) for gradient in gradients], variables
        )

    def embedding_gradient(self, optimizer):
        """The optimizer's step on a word that occurs twice, relative to one that occurs once.

        From a sparse gradient Keras's Adam sums the occurrences and the squares of the occurrences: the step is longer
        by a factor of sqrt(2). From a dense gradient it squares the sum.
        """
        vectors = keras.Variable(np.zeros((2, 1)), dtype=keras.config.floatx())
        ones = self.tensorflow.ones((3, 1), keras.config.floatx())
        optimizer.apply([self.tensorflow.IndexedSlices(ones, [0, 0, 1], (2, 1))], [vectors])
        twice, once = keras.ops.convert_to_numpy(vectors)[:, 0]
        return "sparse" if twice / once > 1.2 else "dense"

    def compiled(self, model):
        return "eager" if model.run_eagerly else "graph"

    def tf32(self):
        return self.tensorflow.config.experimental.tensor_float_32_execution_enabled()

    def autotune(self):
        return "off" if os.environ.get("TF_CUDNN_USE_AUTOTUNE") == "0" else "on"

    def report(self, model):
        from tensorflow.python.util import _pywrap_util_port  # there is no public function for whether oneDNN is on

        kernels = "onednn" if _pywrap_util_port.IsMklEnabled() else "own"
        return dict(super().report(model), winograd=winograd(), cpu_kernels=kernels)


class Torch(BackEnd):
    compile_options = {"graph": {"jit_compile": True}, "eager": {}}
    # use_cudnn=False would also disable the faster of Keras's loops over the time steps; unroll disables cuDNN.
    kernels = {"fused": {"unroll": False}, "cell": {"unroll": True}}

    def __init__(self, network, settings, seed):
        import torch

        super().__init__(network, settings, seed)
        self.torch = torch
        torch.manual_seed(seed)  # dropout without a seed draws from PyTorch's own generator
        torch.set_num_threads(network.threads)
        torch.backends.mkldnn.set_flags(settings["cpu_kernels"] == "onednn")
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = settings["precision"] == "tf32"
        if "autotune" in settings:
            torch.backends.cudnn.benchmark = settings["autotune"] == "on"

    def compile(self, net, scores, loss, optimizer):
        super().compile(net, scores, loss, optimizer)
        # So that the first step finds gradients, as all others do: torch.compile would compile it separately.
        for weight in net.trainable_weights:
            weight.value.grad = self.torch.zeros_like(weight.value)

    def train_step(self, model, x, y):
        # As Model.fit does: torch.compile can't trace how Keras builds its loss.
        model._symbolic_build(data_batch=(x, y))
        return super().train_step(model, x, y)

    def inputs(self, x):
        x = super().inputs(x)
        return x.requires_grad_() if self.settings.get("input_gradient") == "computed" else x

    def synchronize(self, model):
        if self.network.device == "cuda":
            self.torch.cuda.synchronize()

    def compiled(self, model):
        return "graph" if model.jit_compile else "eager"

    def tf32(self):
        return self.torch.backends.cudnn.allow_tf32

    def autotune(self):
        return "on" if self.torch.backends.cudnn.benchmark else "off"

    def report(self, model):
        kernels = "onednn" if self.torch.backends.mkldnn.enabled else "own"
        gradient = "computed" if self.inputs(np.zeros(1, keras.config.floatx())).requires_grad else "skipped"
        return dict(super().report(model), cpu_kernels=kernels, input_gradient=gradient)


class Jax(BackEnd):
    """On JAX Model.fit keeps a model's state outside its variables between batches, and so does this class.

    train_on_batch would copy it from and to the variables at each step.
    """

    kernels = {"cell": {"use_cudnn": "auto"}}
    # Precision of float32 products on a CUDA device: "high" allows TensorFloat-32.
    products = {"float32": "highest", "float64": "highest", "tf32": "high", "bfloat16": "default"}

    def __init__(self, network, settings, seed):
        import jax

        super().__init__(network, settings, seed)
        self.jax, self.state = jax, None
        # XLA reads these when it first computes: the size of its CPU thread pool, and whether it reserves three
        # quarters of a GPU's memory at once, too much for a trial that shares the GPU.
        os.environ["NPROC"] = os.environ["PJRT_NPROC"] = str(network.threads)
        os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
        jax.config.update("jax_enable_x64", settings["precision"] == "float64")
        jax.config.update("jax_default_matmul_precision", self.products[settings["precision"]])

    def draws(self):
        """As JAX did by default before 0.5. The present default, for arrays on several devices, takes XLA 3 to 12
        seconds to compile for each shape of a convolution's kernel. The distributions are the same.
        """
        return self.jax.threefry_partitionable(False)

    def variables(self, model):
        return [model.trainable_variables, model.non_trainable_variables, model.optimizer.variables]

    def train_step(self, model, x, y):
        if self.state is None:
            self.state = [[variable.value for variable in group] for group in self.variables(model)]
        metrics = [np.zeros(variable.shape, variable.dtype) for variable in model.metrics_variables]
        logs, state = model.train_function((*self.state, metrics), iter([(x, y)]))
        self.state = state[:3]
        return logs["loss"]

    def settle(self, model):
        if self.state is not None:
            for variables, values in zip(self.variables(model), self.state):
                for variable, value in zip(variables, values):
                    variable.assign(value)
        self.state = None

    def synchronize(self, model):
        self.jax.block_until_ready(self.state)

    def compiled(self, model):
        return "graph" if model.jit_compile and not model.run_eagerly else "eager"

    def tf32(self):
        return self.jax.config.jax_default_matmul_precision == "high"

    def report(self, model):
        return dict(super().report(model), winograd=winograd())


def winograd():
    return "off" if os.environ.get("TF_ENABLE_WINOGRAD_NONFUSED") == "0" else "on"


BACKENDS = {"tensorflow": TensorFlow, "torch": Torch, "jax": Jax}
