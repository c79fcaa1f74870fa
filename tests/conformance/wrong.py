"""Networks that are deliberately wrong, each in one way that comparisons of frameworks have really suffered from.

They stand in for the reference's implementation in a certificate, which must fail.
"""

from adapters.reference import cnn
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


class TransposedPictures(cnn.Model):
    """Height and width change places, as with swapaxes(1, 3)."""

    def forward(self, x, training):
        return super().forward(x.transpose(0, 1, 3, 2), training)


class LossScale(cnn.Model):
    """The gradient is divided by one example too few."""

    def update(self):
        n = self.network.batch_size
        for layer in self.parametric:
            layer.weight_gradient = layer.weight_gradient * n / (n - 1)
            layer.bias_gradient = layer.bias_gradient * n / (n - 1)
        super().update()


CONTROLS = (WrongMomentum, Nesterov, DoubleSoftmax, FlattenOrder, TransposedPictures, LossScale)
