"""Optimizers in float64. MXNet's own update operations have their constants in float32, which float64 would show."""

import mxnet as mx
from mxnet import nd


class MomentumFloat64(mx.optimizer.Optimizer):
    """Momentum SGD in NDArray arithmetic, for float64 weights: v = m v - lr g, w = w + v."""

    def __init__(self, momentum, **options):
        super(MomentumFloat64, self).__init__(**options)
        self.momentum = momentum

    def create_state(self, index, weight):
        return nd.zeros(weight.shape, weight.context, dtype=weight.dtype)

    def update(self, index, weight, gradient, state):
        self._update_count(index)
        gradient = clipped(times(gradient, self.rescale_grad), self.clip_gradient)
        step = times(gradient, self._get_lr(index))
        state[:] = times(state, self.momentum) - step
        weight[:] = weight + self.move(state, step)

    def move(self, state, step):
        return state


class NesterovFloat64(MomentumFloat64):
    """The same velocity with Nesterov's step: w = w + m v - lr g."""

    def move(self, state, step):
        return times(state, self.momentum) - step


class AdamFloat64(mx.optimizer.Adam):
    """Adam in NDArray arithmetic, for float64 weights."""

    def update(self, index, weight, gradient, state):
        self._update_count(index)
        step, (mean, square) = self._index_update_count[index], state
        gradient = times(gradient, self.rescale_grad)
        mean[:] = times(mean, self.beta1) + times(gradient, 1.0 - self.beta1)
        square[:] = times(square, self.beta2) + times(gradient * gradient, 1.0 - self.beta2)
        rate = self._get_lr(index) * (1.0 - self.beta2**step) ** 0.5 / (1.0 - self.beta1**step)
        weight[:] = weight - times(mean, rate) / nd.broadcast_add(nd.sqrt(square), constant(self.epsilon, weight))


class Hat(object):
    """Epsilon added to the root of the bias-corrected second moment: for MXNet, one that grows."""

    def __init__(self, epsilon, **options):
        super(Hat, self).__init__(epsilon=epsilon, **options)
        self.hat = epsilon

    def update(self, index, weight, gradient, state):
        step = self._index_update_count.get(index, self.begin_num_update) + 1
        self.epsilon = self.hat * (1.0 - self.beta2**step) ** 0.5
        super(Hat, self).update(index, weight, gradient, state)


class HatAdam(Hat, mx.optimizer.Adam):
    pass


class HatAdamFloat64(Hat, AdamFloat64):
    pass


def constant(value, like):
    return nd.array([value], ctx=like.context, dtype=like.dtype)


def times(array, value):
    return nd.broadcast_mul(array, constant(value, array))


def clipped(array, limit):
    if limit is None:
        return array
    return nd.broadcast_minimum(nd.broadcast_maximum(array, constant(-limit, array)), constant(limit, array))


OPTIMIZERS = {
    ("float32", "off"): mx.optimizer.SGD,
    ("float32", "on"): mx.optimizer.NAG,
    ("float64", "off"): MomentumFloat64,
    ("float64", "on"): NesterovFloat64,
}
ADAMS = {
    ("float32", "plain"): mx.optimizer.Adam,
    ("float32", "hat"): HatAdam,
    ("float64", "plain"): AdamFloat64,
    ("float64", "hat"): HatAdamFloat64,
}
