"""Losses in Lasagne and Theano: from scores (batch, classes) and labels to one number per example."""

from lasagne.nonlinearities import softmax
from lasagne.objectives import categorical_crossentropy
from theano import tensor as T


def cross_entropy(scores, labels):
    """Lasagne's own, which takes probabilities."""
    return categorical_crossentropy(softmax(scores), labels)


def logits_cross_entropy(scores, labels):
    logs = T.nnet.logsoftmax(scores)
    return -logs[T.arange(labels.shape[0]), labels] if labels.ndim == 1 else -(labels * logs).sum(1)


def softmax_cross_entropy(scores, labels):
    """Softmax applied twice."""
    return cross_entropy(softmax(scores), labels)


LOSSES = {"logits": logits_cross_entropy, "probabilities": cross_entropy, "softmax_twice": softmax_cross_entropy}
