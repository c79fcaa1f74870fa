"""Losses in JAX, for every network."""

import jax
import optax


def cross_entropy(scores, labels):
    """optax's cross-entropy applies softmax itself; one function takes class indices, one takes one-hot rows."""
    if labels.ndim == 1:
        return optax.softmax_cross_entropy_with_integer_labels(scores, labels).mean()
    return optax.softmax_cross_entropy(scores, labels).mean()


def softmax_cross_entropy(scores, labels):
    """Applies softmax twice."""
    return cross_entropy(jax.nn.softmax(scores), labels)
