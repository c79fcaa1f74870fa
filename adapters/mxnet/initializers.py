"""Both interfaces of MXNet take the same initialisers."""
import mxnet as mx

INITIALIZERS = {
    "glorot_uniform": lambda: mx.init.Xavier(rnd_type="uniform", factor_type="avg", magnitude=3),
    "xavier_224": lambda: mx.init.Xavier(rnd_type="uniform", factor_type="avg", magnitude=2.24),
    "fan_in_uniform": lambda: mx.init.Xavier(rnd_type="uniform", factor_type="in", magnitude=1),
    "lecun_uniform": lambda: mx.init.Xavier(rnd_type="uniform", factor_type="in", magnitude=3),
    "lecun_normal": lambda: mx.init.Xavier(rnd_type="gaussian", factor_type="in", magnitude=1),
    "uniform_007": lambda: mx.init.Uniform(0.07),
    "uniform_001": lambda: mx.init.Uniform(0.01),
}
BIAS_INITIALIZERS = {
    "zeros": lambda fan_in: mx.init.Zero(),
    "fan_in_uniform": lambda fan_in: mx.init.Uniform(fan_in**-0.5),
}
