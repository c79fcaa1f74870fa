"""Layers in NumPy, each with its exact gradient. Arrays are (batch, channels, height, width) or (batch, features)."""
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def _windows(x):
    """Every 3x3 neighbourhood of a picture padded with zeros, (batch * height * width, channels * 9)."""
    n, channels, height, width = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = sliding_window_view(padded, (3, 3), axis=(2, 3))
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(n * height * width, channels * 9)


def _correlate(x, kernel):
    n, _, height, width = x.shape
    out = _windows(x) @ kernel.reshape(len(kernel), -1).T
    return out.reshape(n, height, width, len(kernel)).transpose(0, 3, 1, 2)


class Parametric(object):
    """A layer with weight, bias, their gradients and their velocities."""

    def __init__(self, weight, bias):
        self.weight, self.bias = weight, bias
        self.weight_velocity, self.bias_velocity = np.zeros_like(weight), np.zeros_like(bias)


class Convolution(Parametric):
    """3x3, stride 1, zero padding; weight (out, in, 3, 3)."""

    def forward(self, x, training):
        self.x = x
        return _correlate(x, self.weight) + self.bias[:, None, None]

    def backward(self, gradient):
        rows = gradient.transpose(0, 2, 3, 1).reshape(-1, len(self.weight))
        self.weight_gradient = (rows.T @ _windows(self.x)).reshape(self.weight.shape)
        self.bias_gradient = rows.sum(0)
        return _correlate(gradient, self.weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3))


class Dense(Parametric):
    """weight (in, out)."""

    def forward(self, x, training):
        self.x = x
        return x @ self.weight + self.bias

    def backward(self, gradient):
        self.weight_gradient, self.bias_gradient = self.x.T @ gradient, gradient.sum(0)
        return gradient @ self.weight.T


class Relu(object):
    def forward(self, x, training):
        self.positive = x > 0
        return x * self.positive

    def backward(self, gradient):
        return gradient * self.positive


class MaxPool(object):
    """2x2, stride 2. Among equal values the first in row order takes the gradient."""

    def forward(self, x, training):
        n, channels, height, width = x.shape
        self.shape = x.shape
        blocks = x.reshape(n, channels, height // 2, 2, width // 2, 2).transpose(0, 1, 2, 4, 3, 5)
        blocks = blocks.reshape(n, channels, height // 2, width // 2, 4)
        self.winner = blocks.argmax(-1)[..., None]
        return np.take_along_axis(blocks, self.winner, -1)[..., 0]

    def backward(self, gradient):
        n, channels, height, width = self.shape
        blocks = np.zeros(gradient.shape + (4,), gradient.dtype)
        np.put_along_axis(blocks, self.winner, gradient[..., None], -1)
        blocks = blocks.reshape(n, channels, height // 2, width // 2, 2, 2).transpose(0, 1, 2, 4, 3, 5)
        return blocks.reshape(self.shape)


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
    """Cross-entropy of scores that were put through softmax first: it is applied twice."""
    probabilities = softmax(scores)
    loss, gradient = cross_entropy(probabilities, targets)
    return loss, softmax_gradient(probabilities, gradient)


def softmax_gradient(probabilities, gradient):
    """Gradient with respect to the scores, from that with respect to their softmax."""
    return probabilities * (gradient - (gradient * probabilities).sum(1, keepdims=True))


LOSSES = {"logits": cross_entropy, "probabilities": probabilities_cross_entropy, "softmax_twice": softmax_cross_entropy}
