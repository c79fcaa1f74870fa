"""Networks that are deliberately wrong, each in one way that comparisons of frameworks have really suffered from.

They stand in for the reference's implementation in a certificate, which must fail.
"""

import numpy as np

from adapters.reference import cnn, gru
from adapters.reference.layers import LOSSES, Flatten


class WrongMomentum(cnn.Model):
    error = 0.1

    def build_optimizer(self):
        rate, momentum, nesterov = super().build_optimizer()
        return rate, momentum - self.error, nesterov


class SlightlyWrongMomentum(WrongMomentum):
    """Only float64 is sharp enough to see it."""

    error = 1e-9


class Nesterov(cnn.Model):
    def build_optimizer(self):
        return super().build_optimizer()[:2] + (True,)


class DoubleSoftmax(cnn.Model):
    def build_loss(self):
        return LOSSES["softmax_twice"]


class FlattenOrder(cnn.Model):
    """Flattens height and width before channels, with weights that are given channels first."""

    def build(self):
        class ChannelsLast(Flatten):
            def forward(self, x, training):
                return super().forward(x.transpose(0, 2, 3, 1), training)

            def backward(self, gradient):
                return super().backward(gradient).transpose(0, 3, 1, 2)

        return [ChannelsLast() if isinstance(layer, Flatten) else layer for layer in super().build()]


class TransposedImages(cnn.Model):
    """Height and width change places, as with swapaxes(1, 3)."""

    def forward(self, x, training):
        return super().forward(x.transpose(0, 1, 3, 2), training)


class LossScale(cnn.Model):
    """The gradient is divided by one example too few."""

    def update(self):
        n = self.network.batch_size
        for layer in self.parametric:
            layer.gradients = {name: gradient * n / (n - 1) for name, gradient in layer.gradients.items()}
        super().update()


class GateOrder(gru.Model):
    """Reset and update gate change places, as between PyTorch's order and Keras'."""

    def set_weights(self, weights):
        size = self.network.hidden
        order = [*range(size, 2 * size), *range(size), *range(2 * size, 3 * size)]
        super().set_weights(
            {name: array[order] if name.startswith("gru.") else array for name, array in weights.items()}
        )


class EpsilonForm(gru.Model):
    """Epsilon is added to the root of the square as it is, not of the corrected one."""

    def build_optimizer(self):
        adam = super().build_optimizer()
        adam.form = {"hat": "plain", "plain": "hat"}[adam.form]
        return adam


class SlightlyWrongEpsilon(gru.Model):
    """Only float64 is sharp enough to see it: epsilon rounded to float32."""

    def build_optimizer(self):
        adam = super().build_optimizer()
        adam.epsilon = float(np.float32(adam.epsilon))
        return adam


class GruDoubleSoftmax(gru.Model):
    def build_loss(self):
        return LOSSES["softmax_twice"]


class GruLossScale(gru.Model):
    """The gradient is divided by one example too few. Adam hides it but for its epsilon."""

    def backward(self, gradient):
        n = self.network.batch_size
        return super().backward(gradient * n / (n - 1))


CONTROLS = [
    ("cnn", one) for one in (WrongMomentum, Nesterov, DoubleSoftmax, FlattenOrder, TransposedImages, LossScale)
] + [("gru", one) for one in (GateOrder, EpsilonForm, GruDoubleSoftmax)]
SLIGHT = [("cnn", SlightlyWrongMomentum), ("gru", SlightlyWrongEpsilon)]
HIDDEN = [("gru", GruLossScale)]  # float32 at full size does not see it
