"""Losses in TensorFlow, for every network."""

import tensorflow as tf


def cross_entropy(scores, labels):
    """The framework's cross-entropies apply softmax themselves; one takes class indices, one takes one-hot rows."""
    if labels.dtype.is_integer:
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, scores))
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels, scores))


def softmax_cross_entropy(scores, labels):
    """Applies softmax twice."""
    return cross_entropy(tf.nn.softmax(scores), labels)
