"""Layers in NumPy, each with its exact gradient. Arrays are (batch, channels, height, width) or (batch, features)."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def _windows(x, border):
    """Every 3x3 window of an image with a border of zeros, (batch, height, width, channels * 9)."""
    padded = np.pad(x, ((0, 0), (0, 0), (border, border), (border, border)))
    windows = sliding_window_view(padded, (3, 3), axis=(2, 3)).transpose(0, 2, 3, 1, 4, 5)
    return windows.reshape(windows.shape[:3] + (-1,))


def _correlate(x, kernel, border):
    return (_windows(x, border) @ kernel.reshape(len(kernel), -1).T).transpose(0, 3, 1, 2)


class Parametric(object):
    """A layer with parameters {"weight", "bias"}, their gradients and their velocities."""

    def __init__(self, parameters):
        self.parameters, self.gradients = parameters, {}
        self.velocities = {name: np.zeros_like(array) for name, array in parameters.items()}


class Convolution(Parametric):
    """3x3, stride 1, with a border of zeros `border` pixels wide; weight (out, in, 3, 3); bias (out,) or none."""

    def __init__(self, parameters, border):
        super().__init__(parameters)
        self.border = border

    def forward(self, x, training):
        self.x = x
        out = _correlate(x, self.parameters["weight"], self.border)
        return out + self.parameters["bias"][:, None, None] if "bias" in self.parameters else out

    def backward(self, gradient):
        weight, rows = self.parameters["weight"], gradient.transpose(0, 2, 3, 1).reshape(-1, gradient.shape[1])
        windows = _windows(self.x, self.border).reshape(len(rows), -1)
        self.gradients = {"weight": (rows.T @ windows).reshape(weight.shape), "bias": rows.sum(0)}
        return _correlate(gradient, weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3), 2 - self.border)


class Dense(Parametric):
    """weight (in, out)."""

    def forward(self, x, training):
        self.x = x
        return x @ self.parameters["weight"] + self.parameters["bias"]

    def backward(self, gradient):
        self.gradients = {"weight": self.x.T @ gradient, "bias": gradient.sum(0)}
        return gradient @ self.parameters["weight"].T


class Relu(object):
    def forward(self, x, training):
        self.positive = x > 0
        return x * self.positive

    def backward(self, gradient):
        return gradient * self.positive


class MaxPool(object):
    """2x2. Among equal values the first in row order receives the gradient."""

    def __init__(self, stride):
        self.stride = stride

    def forward(self, x, training):
        self.shape = x.shape
        corners = np.stack([self.corner(x, row, column) for row in (0, 1) for column in (0, 1)])
        self.winner = corners.argmax(0)
        return corners.max(0)

    def corner(self, x, row, column):
        """The pixel in that row and column of every window, a view."""
        height, width = ((size - 2) // self.stride * self.stride + 1 for size in self.shape[2:])
        return x[:, :, row : row + height : self.stride, column : column + width : self.stride]

    def backward(self, gradient):
        whole = np.zeros(self.shape, gradient.dtype)
        for number in range(4):
            view = self.corner(whole, *divmod(number, 2))
            view += gradient * (self.winner == number)
        return whole


class Dropout(object):
    """Zeroes a share `rate` of the values and scales the others by 1 / (1 - rate)."""

    def __init__(self, rate, random, at_test):
        self.rate, self.random, self.at_test = rate, random, at_test

    def forward(self, x, training):
        keep = 1.0 - self.rate
        if (training or self.at_test) and self.rate > 0.0:
            self.mask = ((self.random.uniform(size=x.shape) < keep) / keep).astype(x.dtype)
        else:
            self.mask = np.ones((), x.dtype)
        return x * self.mask

    def backward(self, gradient):
        return gradient * self.mask


class Flatten(object):
    def forward(self, x, training):
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, gradient):
        return gradient.reshape(self.shape)


def softmax(scores):
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def cross_entropy(scores, targets):
    """(mean loss, its gradient with respect to the scores); targets are one-hot rows."""
    shifted = scores - scores.max(1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return -(targets * logs).sum() / len(scores), (np.exp(logs) - targets) / len(scores)


def probabilities_cross_entropy(scores, targets):
    """The same loss from the logarithm of softmax's probabilities; its gradient goes through softmax."""
    probabilities = softmax(scores)
    loss = -(targets * np.log(probabilities)).sum() / len(scores)
    return loss, softmax_gradient(probabilities, -targets / probabilities / len(scores))


def softmax_cross_entropy(scores, targets):
    """Cross-entropy of scores after softmax: softmax is applied twice."""
    probabilities = softmax(scores)
    loss, gradient = cross_entropy(probabilities, targets)
    return loss, softmax_gradient(probabilities, gradient)


def softmax_gradient(probabilities, gradient):
    """Gradient with respect to the scores, from that with respect to their softmax."""
    return probabilities * (gradient - (gradient * probabilities).sum(1, keepdims=True))


LOSSES = {"logits": cross_entropy, "probabilities": probabilities_cross_entropy, "softmax_twice": softmax_cross_entropy}
