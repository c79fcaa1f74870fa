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


def recognise(weights):
    """Read the laws in force back from freshly built canonical weights {name: array}.

    Returns {"init": name, "bias_init": name}: the likeliest law of each table, or "unrecognised" where even that one's
    spread is not the weights'.
    """
    layers = [name[: -len(".weight")] for name in weights if name.endswith(".weight")]
    spans = [fans(weights[name + ".weight"].shape) for name in layers]
    kernels = [(weights[name + ".weight"], fan) for name, fan in zip(layers, spans)]
    biases = [(weights[name + ".bias"], fan) for name, fan in zip(layers, spans)]
    return {"init": _likeliest(KERNEL_LAWS, kernels), "bias_init": _likeliest(BIAS_LAWS, biases)}


def _likeliest(laws, arrays):
    scores = {name: _log_likelihood(law, arrays) for name, law in laws.items()}
    best = max(scores, key=scores.get)
    return best if _fits(laws[best], arrays) else "unrecognised"


def _log_likelihood(law, arrays):
    family, deviation = law
    total = 0.0
    for array, fan in arrays:
        expected = deviation(*fan)
        if expected == 0.0:
            total += np.inf if not np.any(array) else -np.inf
        elif family == NORMAL:
            total -= array.size * np.log(expected * np.sqrt(2 * np.pi)) + 0.5 * np.sum((array / expected) ** 2)
        else:
            limit = np.sqrt(3.0) * expected
            inside = np.abs(array).max() <= limit * (1 + 1e-5)  # float32 rounds
            total += -array.size * np.log(2 * limit) if inside else -np.inf
    return total


def _fits(law, arrays):
    """Whether the weights, in units of the law's own deviation, have a deviation of 1 within a fifth."""
    deviations = [law[1](*fan) for _, fan in arrays]
    if not any(deviations):
        return not any(np.any(array) for array, _ in arrays)
    scaled = np.concatenate([array.ravel() / expected for (array, _), expected in zip(arrays, deviations)])
    return 0.8 < np.std(scaled) < 1.25
