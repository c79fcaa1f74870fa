"""Initializers of both of MXNet's interfaces."""

import mxnet as mx
from mxnet import nd

from adapters.common import initializers


@mx.init.register
class LecunTruncated(mx.init.Initializer):
    """Normal truncated at two standard deviations, then scaled to variance 1 / fan_in: mxnet.init has none."""

    def _init_weight(self, name, array):
        uniform = nd.random.uniform(
            -initializers.INSIDE, initializers.INSIDE, array.shape, ctx=array.context, dtype=array.dtype
        )
        deviation = array[0].size ** -0.5 / initializers.TRUNCATION
        array[:] = nd.erfinv(uniform) * 2**0.5 * deviation


INITIALIZERS = {
    "glorot_uniform": lambda: mx.init.Xavier(rnd_type="uniform", factor_type="avg", magnitude=3),
    "xavier_224": lambda: mx.init.Xavier(rnd_type="uniform", factor_type="avg", magnitude=2.24),
    "fan_in_uniform": lambda: mx.init.Xavier(rnd_type="uniform", factor_type="in", magnitude=1),
    "lecun_uniform": lambda: mx.init.Xavier(rnd_type="uniform", factor_type="in", magnitude=3),
    "lecun_normal": lambda: mx.init.Xavier(rnd_type="gaussian", factor_type="in", magnitude=1),
    "lecun_truncated": LecunTruncated,
    "uniform_007": lambda: mx.init.Uniform(0.07),
    "uniform_001": lambda: mx.init.Uniform(0.01),
}
BIAS_INITIALIZERS = {
    "zeros": lambda fan_in: mx.init.Zero(),
    "fan_in_uniform": lambda fan_in: mx.init.Uniform(fan_in**-0.5),
}
