"""Losses in Chainer, for every network."""

from chainer import functions as F


def softmax_cross_entropy(scores, labels):
    """F.softmax_cross_entropy applies softmax itself, so this applies it twice."""
    return F.softmax_cross_entropy(F.softmax(scores), labels)
