"""MXNet's own update operations keep their constants in float32: in float64 they would spoil the 9th digit."""
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
        scale = self.constant(self._get_lr(index) * self.rescale_grad, weight)
        momentum = self.constant(self.momentum, weight)
        step = nd.broadcast_mul(gradient, scale)
        state[:] = nd.broadcast_mul(state, momentum) - step
        weight[:] = weight + self.move(state, momentum, step)

    def move(self, state, momentum, step):
        return state

    @staticmethod
    def constant(value, like):
        return nd.array([value], ctx=like.context, dtype=like.dtype)


class NesterovFloat64(MomentumFloat64):
    """The same velocity; the step looks ahead: w = w + m v - lr g."""

    def move(self, state, momentum, step):
        return nd.broadcast_mul(state, momentum) - step


OPTIMIZERS = {
    ("float32", "off"): mx.optimizer.SGD, ("float32", "on"): mx.optimizer.NAG,
    ("float64", "off"): MomentumFloat64, ("float64", "on"): NesterovFloat64,
}  # fmt: skip
