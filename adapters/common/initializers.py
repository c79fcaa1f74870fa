"""Initialiser laws: their spread, and which of them drew a given array.

An adapter asks its framework for an initialiser; this module says what the law's numbers should be, draws them where the
framework has none, and reads the law in force back from the weights themselves. NumPy only.
"""

import zlib

import numpy as np

UNIFORM, NORMAL, TRUNCATED, ORTHOGONAL = "uniform", "normal", "truncated normal", "orthogonal"
TRUNCATION = 0.87962566103423978  # deviation of a standard normal that is cut off at -2 and 2
INSIDE = 0.9544997361036416  # share of a normal that lies within two deviations
INDISTINCT = 12.0  # two laws whose log-likelihoods are closer are not told apart

# name: (family, standard deviation from (fan_in, fan_out)).
KERNEL_LAWS = {
    "glorot_uniform": (UNIFORM, lambda fan_in, fan_out: np.sqrt(2.0 / (fan_in + fan_out))),
    "fan_in_uniform": (UNIFORM, lambda fan_in, fan_out: np.sqrt(1.0 / (3.0 * fan_in))),
    "xavier_224": (UNIFORM, lambda fan_in, fan_out: np.sqrt(4.48 / 3.0 / (fan_in + fan_out))),
    "lecun_uniform": (UNIFORM, lambda fan_in, fan_out: np.sqrt(1.0 / fan_in)),
    "lecun_normal": (NORMAL, lambda fan_in, fan_out: np.sqrt(1.0 / fan_in)),
    "lecun_truncated": (TRUNCATED, lambda fan_in, fan_out: np.sqrt(1.0 / fan_in)),
    "uniform_007": (UNIFORM, lambda fan_in, fan_out: 0.07 / np.sqrt(3.0)),
    "uniform_001": (UNIFORM, lambda fan_in, fan_out: 0.01 / np.sqrt(3.0)),
}
BIAS_LAWS = {
    "zeros": (UNIFORM, lambda fan_in, fan_out: 0.0),
    "fan_in_uniform": (UNIFORM, lambda fan_in, fan_out: np.sqrt(1.0 / (3.0 * fan_in))),
}
EMBEDDING_LAWS = {
    "uniform_005": (UNIFORM, lambda words, features: 0.05 / np.sqrt(3.0)),
    "uniform_007": (UNIFORM, lambda words, features: 0.07 / np.sqrt(3.0)),
    "uniform_001": (UNIFORM, lambda words, features: 0.01 / np.sqrt(3.0)),
    "normal_1": (NORMAL, lambda words, features: 1.0),
    "normal_001": (NORMAL, lambda words, features: 0.01),
    "normal_features": (NORMAL, lambda words, features: np.sqrt(1.0 / features)),
    "glorot_uniform": (UNIFORM, lambda words, features: np.sqrt(2.0 / (words + features))),
    "lecun_uniform": (UNIFORM, lambda words, features: np.sqrt(1.0 / features)),
}
# name: laws of the GRU's kernels: inputs, state to both gates, state to candidate. An orthogonal one is drawn for all gates at once.
GLOROT = (UNIFORM, lambda fan_in, fan_out: np.sqrt(2.0 / (fan_in + fan_out)))
SQUARE = (ORTHOGONAL, lambda fan_in, fan_out: np.sqrt(1.0 / fan_out))
RNN_LAWS = {
    "glorot_uniform": (GLOROT, GLOROT, GLOROT),
    "glorot_split": (
        GLOROT,
        (UNIFORM, lambda fan_in, fan_out: np.sqrt(2.0 / (3.0 * fan_in))),
        (UNIFORM, lambda fan_in, fan_out: np.sqrt(2.0 / (2.0 * fan_in))),
    ),
    "glorot_gates": ((UNIFORM, lambda fan_in, fan_out: np.sqrt(2.0 / (fan_in + fan_out / 3.0))),) * 3,
    "glorot_orthogonal": (GLOROT, SQUARE, SQUARE),
    "lecun_orthogonal": (KERNEL_LAWS["lecun_truncated"], SQUARE, SQUARE),
    "lecun_normal": (KERNEL_LAWS["lecun_normal"],) * 3,
    "lecun_uniform": (KERNEL_LAWS["lecun_uniform"],) * 3,
    "hidden_uniform": ((UNIFORM, lambda fan_in, fan_out: np.sqrt(1.0 / fan_out)),) * 3,  # fan_out is 3 hidden
    "uniform_007": ((UNIFORM, lambda fan_in, fan_out: 0.07 / np.sqrt(3.0)),) * 3,
    "uniform_001": ((UNIFORM, lambda fan_in, fan_out: 0.01 / np.sqrt(3.0)),) * 3,
    "normal_01": ((NORMAL, lambda fan_in, fan_out: 0.1),) * 3,
}


def fans(shape):
    """(fan_in, fan_out) of a canonical kernel: convolution (out, in, height, width) or dense (in, out)."""
    if len(shape) == 2:
        return shape
    field = int(np.prod(shape[2:]))
    return shape[1] * field, shape[0] * field


def draw(random, law, shape, fan):
    """An array of `shape` drawn with a law of any table; `fan` is (fan_in, fan_out) of the layer's kernel."""
    family, deviation = law
    if family == NORMAL:
        return random.normal(0.0, deviation(*fan), shape)
    if family == TRUNCATED:
        return _truncated(random, shape) * deviation(*fan) / TRUNCATION
    if family == ORTHOGONAL:
        return _orthogonal(random, shape)
    limit = np.sqrt(3.0) * deviation(*fan)
    return random.uniform(-limit, limit, shape)


def _orthogonal(random, shape):
    """Columns of length 1, at right angles; the signs make every such matrix equally likely."""
    columns, triangle = np.linalg.qr(random.normal(0.0, 1.0, shape))
    return columns * np.sign(np.diag(triangle))


def _truncated(random, shape):
    """Standard normal, each number outside two deviations drawn again."""
    array = random.normal(0.0, 1.0, shape)
    while np.any(np.abs(array) > 2):
        outside = np.abs(array) > 2
        array[outside] = random.normal(0.0, 1.0, np.count_nonzero(outside))
    return array


# What each setting draws: [(array, its law, fan)], the arrays being views of canonical weights {name: array}.


def _kernels(choice, weights):
    names = sorted(name for name in weights if name.endswith(".weight") and name != "embedding.weight")
    return [(weights[name], KERNEL_LAWS[choice], fans(weights[name].shape)) for name in names]


def _biases(choice, weights):
    names = sorted(name for name in weights if name.endswith("bias"))
    return [(weights[name], BIAS_LAWS[choice], _bias_fan(name, weights)) for name in names]


def _bias_fan(name, weights):
    """Fan of the kernel whose sum the bias joins; all of a GRU's biases join sums over its state."""
    if name.startswith("gru."):
        return weights["gru.hidden_weight"].T.shape
    return fans(weights[name.replace(".bias", ".weight")].shape)


def _embedding(choice, weights):
    return [(weights["embedding.weight"], EMBEDDING_LAWS[choice], weights["embedding.weight"].shape)]


def _recurrent(choice, weights):
    inputs, state = weights["gru.input_weight"], weights["gru.hidden_weight"]
    to_inputs, to_gates, to_candidate = RNN_LAWS[choice]
    parts = [(inputs, to_inputs, inputs.T.shape)]
    if to_gates[0] == ORTHOGONAL:
        return parts + [(state, to_gates, state.T.shape)]
    candidate = 2 * state.shape[1]
    return parts + [(state[:candidate], to_gates, state.T.shape), (state[candidate:], to_candidate, state.T.shape)]


# setting: (its laws, the network's arrays that it draws).
DRAWN = {
    "init": (KERNEL_LAWS, _kernels),
    "bias_init": (BIAS_LAWS, _biases),
    "embedding_init": (EMBEDDING_LAWS, _embedding),
    "rnn_init": (RNN_LAWS, _recurrent),
}


def redrawn(weights, choices, seed):
    """Canonical weights with what `choices` ({setting: law}) concern drawn anew.

    Each array has a stream of its own, so that what a framework draws itself shifts no other array.
    """
    weights = {name: np.array(array) for name, array in weights.items()}
    for setting, choice in choices.items():
        for number, (array, law, fan) in enumerate(DRAWN[setting][1](choice, weights)):
            stream = zlib.crc32("{} {} {}".format(seed, setting, number).encode())
            array[...] = draw(np.random.RandomState(stream), law, array.shape, fan)
    return weights


def recognise(weights, asked):
    """Read the laws in force back from freshly built canonical weights {name: array}.

    asked: {setting: law}, among others. Returns {setting: law}: the likeliest law of each table, or the one asked for where
    the weights are too few to tell the two apart, or "unrecognised" where its spread is not theirs.
    """
    settings = DRAWN if "embedding.weight" in weights else ("init", "bias_init")
    return {setting: _likeliest(weights, asked[setting], *DRAWN[setting]) for setting in settings}


def _likeliest(weights, asked, laws, parts):
    drawn = {name: parts(name, weights) for name in laws}
    scores = {name: sum(_log_likelihood(*part) for part in drawn[name]) for name in laws}
    best = max(scores, key=scores.get)
    if scores[best] - scores[asked] < INDISTINCT:
        best = asked
    return best if _fits(drawn[best]) else "unrecognised"


def _log_likelihood(array, law, fan):
    family, deviation = law
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
    # No law with a density makes such a matrix: more than any of them gives.
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
    """Whether the weights, in units of the law's own deviation, have a deviation of 1 within a fifth."""
    deviations = [law[1](*fan) for _, law, fan in parts]
    if not any(deviations):
        return not any(np.any(array) for array, _, _ in parts)
    scaled = np.concatenate([array.ravel() / expected for (array, _, _), expected in zip(parts, deviations)])
    return 0.8 < np.std(scaled) < 1.25
