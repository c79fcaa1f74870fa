"""Keras's losses, which take scores or probabilities."""

import numpy as np

from adapters.keras3.backends import keras

CROSS_ENTROPIES = {
    "sparse": keras.losses.SparseCategoricalCrossentropy,
    "one_hot": keras.losses.CategoricalCrossentropy,
}


def activation(settings, backend):
    """The network's last layer; it casts scores in bfloat16 to the precision of the loss."""
    return keras.layers.Activation(
        "linear" if settings["loss"] == "logits" else backend.softmax, dtype=keras.config.floatx()
    )


def cross_entropy(settings):
    return CROSS_ENTROPIES[settings["labels"]](from_logits=settings["loss"] != "probabilities")


def in_force(model):
    """The choice of the setting loss: the loss of a score that is 100 below another one.

    Scores give 100; probabilities, which Keras clips, about 16; probabilities treated as scores, about 1.3.
    """
    scores = keras.ops.convert_to_tensor(np.array([[0.0, 100.0]]), keras.config.floatx())
    labels = np.array([0]) if isinstance(model.loss, CROSS_ENTROPIES["sparse"]) else np.array([[1.0, 0.0]])
    loss = float(model.loss(labels, model.layers[-1](scores)))
    return "logits" if loss > 99.0 else "probabilities" if loss > 10.0 else "softmax_twice"
