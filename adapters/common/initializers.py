"""Weight initializers: standard deviations, sampling, and identification from given arrays.

An adapter requests an initializer from its framework; this module defines its distribution, draws from it where the
framework has no such initializer, and identifies the initializer in force from the weights themselves. NumPy only.
"""

import zlib

import numpy as np

UNIFORM, NORMAL, TRUNCATED, ORTHOGONAL = "uniform", "normal", "truncated normal", "orthogonal"
TRUNCATION = 0.87962566103423978  # standard deviation of a standard normal truncated at -2 and 2
INSIDE = 0.9544997361036416  # probability that a normal variable is within two standard deviations
INDISTINCT = 12.0  # initializers whose log-likelihoods are closer can't be distinguished

# An initializer is (family, standard deviation as a function of (fan_in, fan_out)); these are {name: initializer}.
KERNEL_INITIALIZERS = {
    "glorot_uniform": (UNIFORM, lambda fan_in, fan_out: np.sqrt(2.0 / (fan_in + fan_out))),
    "fan_in_uniform": (UNIFORM, lambda fan_in, fan_out: np.sqrt(1.0 / (3.0 * fan_in))),
    "xavier_224": (UNIFORM, lambda fan_in, fan_out: np.sqrt(4.48 / 3.0 / (fan_in + fan_out))),
    "lecun_uniform": (UNIFORM, lambda fan_in, fan_out: np.sqrt(1.0 / fan_in)),
    "lecun_normal": (NORMAL, lambda fan_in, fan_out: np.sqrt(1.0 / fan_in)),
    "lecun_truncated": (TRUNCATED, lambda fan_in, fan_out: np.sqrt(1.0 / fan_in)),
    "uniform_007": (UNIFORM, lambda fan_in, fan_out: 0.07 / np.sqrt(3.0)),
    "uniform_001": (UNIFORM, lambda fan_in, fan_out: 0.01 / np.sqrt(3.0)),
}
BIAS_INITIALIZERS = {
    "zeros": (UNIFORM, lambda fan_in, fan_out: 0.0),
    "fan_in_uniform": (UNIFORM, lambda fan_in, fan_out: np.sqrt(1.0 / (3.0 * fan_in))),
}
EMBEDDING_INITIALIZERS = {
    "uniform_005": (UNIFORM, lambda words, features: 0.05 / np.sqrt(3.0)),
    "uniform_007": (UNIFORM, lambda words, features: 0.07 / np.sqrt(3.0)),
    "uniform_001": (UNIFORM, lambda words, features: 0.01 / np.sqrt(3.0)),
    "normal_1": (NORMAL, lambda words, features: 1.0),
    "normal_001": (NORMAL, lambda words, features: 0.01),
    "normal_features": (NORMAL, lambda words, features: np.sqrt(1.0 / features)),
    "glorot_uniform": (UNIFORM, lambda words, features: np.sqrt(2.0 / (words + features))),
    "lecun_uniform": (UNIFORM, lambda words, features: np.sqrt(1.0 / features)),
}


def fans(shape):
    """(fan_in, fan_out) of a canonical kernel: convolution (out, in, height, width) or dense (in, out)."""
    if len(shape) == 2:
        return shape
    field = int(np.prod(shape[2:]))
    return shape[1] * field, shape[0] * field


def draw(random, initializer, shape, fan):
    """An array of `shape` drawn from an initializer; `fan` is (fan_in, fan_out) of the layer's kernel."""
    family, deviation = initializer
    if family == NORMAL:
        return random.normal(0.0, deviation(*fan), shape)
    if family == TRUNCATED:
        return _truncated(random, shape) * deviation(*fan) / TRUNCATION
    if family == ORTHOGONAL:
        return _orthogonal(random, shape)
    limit = np.sqrt(3.0) * deviation(*fan)
    return random.uniform(-limit, limit, shape)


def _orthogonal(random, shape):
    """Orthonormal columns; with these signs every such matrix is equally likely."""
    columns, triangle = np.linalg.qr(random.normal(0.0, 1.0, shape))
    return columns * np.sign(np.diag(triangle))


def _truncated(random, shape):
    """Standard normal; numbers outside two standard deviations are drawn again."""
    array = random.normal(0.0, 1.0, shape)
    while np.any(np.abs(array) > 2):
        outside = np.abs(array) > 2
        array[outside] = random.normal(0.0, 1.0, np.count_nonzero(outside))
    return array


# Parts of canonical weights that a setting draws (see adapters.contract.network.Drawn).


def kernels(choice, weights):
    """Every convolution and dense kernel of canonical weights named "layer.weight"."""
    names = sorted(name for name in weights if name.endswith(".weight"))
    return [(weights[name], KERNEL_INITIALIZERS[choice], fans(weights[name].shape)) for name in names]


def biases(choice, weights):
    """Every bias of canonical weights named "layer.bias", whose kernels are named "layer.weight"."""
    names = sorted(name for name in weights if name.endswith(".bias"))
    fan = {name: fans(weights[name.replace(".bias", ".weight")].shape) for name in names}
    return [(weights[name], BIAS_INITIALIZERS[choice], fan[name]) for name in names]


def redrawn(weights, choices, seed, drawn):
    """Canonical weights in which the arrays of some settings are drawn again.

    choices: {setting: choice}. drawn: {setting: adapters.contract.network.Drawn} of the network. Each array has its own
    stream of random numbers, so it does not depend on which other arrays are drawn.
    """
    weights = {name: np.array(array) for name, array in weights.items()}
    for setting, choice in choices.items():
        for number, (array, initializer, fan) in enumerate(drawn[setting].parts(choice, weights)):
            stream = zlib.crc32("{} {} {}".format(seed, setting, number).encode())
            array[...] = draw(np.random.RandomState(stream), initializer, array.shape, fan)
    return weights


def identify(weights, requested, drawn):
    """Identify the initializers in force from freshly built canonical weights {name: array}.

    requested: {setting: choice}, among others. drawn: as in `redrawn`. Returns {setting: choice}: the most likely
    choice, or the requested one where the weights are too few to distinguish the two, or "unidentified" where its
    standard deviation is not that of the weights.
    """
    return {setting: _likeliest(weights, requested[setting], *drawn[setting]) for setting in drawn}


def _likeliest(weights, requested, initializers, parts):
    drawn = {name: parts(name, weights) for name in initializers}
    scores = {name: sum(_log_likelihood(*part) for part in drawn[name]) for name in initializers}
    best = max(scores, key=scores.get)
    if scores[best] - scores[requested] < INDISTINCT:
        best = requested
    return best if _fits(drawn[best]) else "unidentified"


def _log_likelihood(array, initializer, fan):
    family, deviation = initializer
    return DENSITIES[family](array, deviation(*fan))


def _uniform_density(array, deviation):
    if deviation == 0.0:
        return np.inf if not np.any(array) else -np.inf
    limit = np.sqrt(3.0) * deviation
    return -array.size * np.log(2 * limit) if _within(array, limit) else -np.inf


def _normal_density(array, deviation):
    return -array.size * np.log(deviation * np.sqrt(2 * np.pi)) - 0.5 * np.sum((array / deviation) ** 2)


def _truncated_density(array, deviation):
    whole = deviation / TRUNCATION
    return _normal_density(array, whole) - array.size * np.log(INSIDE) if _within(array, 2 * whole) else -np.inf


def _orthogonal_density(array, deviation):
    # No initializer with a density draws such a matrix: score it above all of them.
    return 10.0 * array.size if np.allclose(array.T.dot(array), np.eye(array.shape[1]), atol=1e-4) else -np.inf


def _within(array, limit):
    return np.abs(array).max() <= limit * (1 + 1e-5)  # float32 rounds


# Logarithm of the density of all elements together.
DENSITIES = {
    UNIFORM: _uniform_density,
    NORMAL: _normal_density,
    TRUNCATED: _truncated_density,
    ORTHOGONAL: _orthogonal_density,
}


def _fits(parts):
    """Whether the weights have the initializer's standard deviation, within a fifth."""
    deviations = [initializer[1](*fan) for _, initializer, fan in parts]
    if not any(deviations):
        return not any(np.any(array) for array, _, _ in parts)
    scaled = np.concatenate([array.ravel() / expected for (array, _, _), expected in zip(parts, deviations)])
    return 0.8 < np.std(scaled) < 1.25
