"""Initialiser laws: their spread, and which of them drew a given array.

Every adapter asks its framework for an initialiser; this module says what the law's numbers should be, and reads the
law in force back from the weights themselves. NumPy only.
"""
import numpy as np

UNIFORM, NORMAL = "uniform", "normal"

# name: (family, standard deviation from (fan_in, fan_out)).
KERNEL_LAWS = {
    "glorot_uniform": (UNIFORM, lambda fan_in, fan_out: np.sqrt(2.0 / (fan_in + fan_out))),
    "fan_in_uniform": (UNIFORM, lambda fan_in, fan_out: np.sqrt(1.0 / (3.0 * fan_in))),
    "lecun_uniform": (UNIFORM, lambda fan_in, fan_out: np.sqrt(1.0 / fan_in)),
    "lecun_normal": (NORMAL, lambda fan_in, fan_out: np.sqrt(1.0 / fan_in)),
    "uniform_007": (UNIFORM, lambda fan_in, fan_out: 0.07 / np.sqrt(3.0)),
}
BIAS_LAWS = {
    "zeros": (UNIFORM, lambda fan_in, fan_out: 0.0),
    "fan_in_uniform": (UNIFORM, lambda fan_in, fan_out: np.sqrt(1.0 / (3.0 * fan_in))),
}


def fans(shape):
    """(fan_in, fan_out) of a canonical kernel: convolution (out, in, height, width) or dense (in, out)."""
    if len(shape) == 2:
        return shape
    field = int(np.prod(shape[2:]))
    return shape[1] * field, shape[0] * field


def draw(random, law, shape, fan):
    """An array of `shape` drawn with a law of either table; `fan` is (fan_in, fan_out) of the layer's kernel."""
    family, deviation = law
    if family == NORMAL:
        return random.normal(0.0, deviation(*fan), shape)
    limit = np.sqrt(3.0) * deviation(*fan)
    return random.uniform(-limit, limit, shape)


def _distance(law, arrays):
    """Mean squared misfit between arrays [(array, fans)] and a law; 0 is perfect.

    Compares the standard deviation and the largest magnitude, each in units of the law's own, so that a normal
    and a uniform distribution of the same variance are told apart.
    """
    family, deviation = law
    misfit = 0.0
    for array, fan in arrays:
        expected, size = deviation(*fan), array.size
        if expected == 0.0:
            misfit += 0.0 if not np.any(array) else np.inf
            continue
        # The largest of n: close to the bound if uniform, about sqrt(2 log n) deviations if normal.
        bound = np.sqrt(3.0) * size / (size + 1.0) if family == UNIFORM else np.sqrt(2.0 * np.log(size))
        largest = np.abs(array).max() / (bound * expected)
        misfit += np.log(max(np.std(array), 1e-30) / expected) ** 2 + np.log(max(largest, 1e-30)) ** 2
    return misfit / len(arrays)


def recognise(weights):
    """Read the laws in force back from freshly built canonical weights {name: array}.

    Returns {"init": name, "bias_init": name}; a distribution that fits no law within a quarter is "unrecognised".
    """
    kernels = [(array, fans(array.shape)) for name, array in weights.items() if name.endswith(".weight")]
    biases = [
        (weights[name[: -len("weight")] + "bias"], fans(array.shape))
        for name, array in weights.items()
        if name.endswith(".weight")
    ]
    return {"init": _closest(KERNEL_LAWS, kernels), "bias_init": _closest(BIAS_LAWS, biases)}


def _closest(laws, arrays):
    misfits = {name: _distance(law, arrays) for name, law in laws.items()}
    best = min(misfits, key=misfits.get)
    return best if misfits[best] < 0.25 ** 2 else "unrecognised"
