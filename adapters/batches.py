"""Batches: memory-mapped arrays, a given order and the layout and labels that a configuration asks for. NumPy only."""
import os

import numpy as np


def order(seed, epoch, examples):
    """The order of the training examples in one epoch, int64 (examples,).

    NumPy froze RandomState's stream, so every version from 1.16 to 2.x gives every framework the same order.
    """
    return np.random.RandomState((seed * 1000003 + epoch) % 2**32).permutation(examples)


class Batches(object):
    """The examples of one data set as a framework wants them, in memory before any clock starts.

    folder: holds x_train.npy, pictures (N, C, H, W) float32 or sequences (N, T) int32; y_train.npy (N,) int32; x_test.npy and
    y_test.npy. model: the network they are for, "cnn" or "gru".
    """

    def __init__(self, folder, model, settings, batch_size, classes, train_examples=None):
        self.batch_size = batch_size
        self.examples, convert_y = EXAMPLES[model](settings), _labels(settings, classes)
        self.x_train = self.examples.convert(_load(folder, "x_train")[:train_examples])
        self.y_train = convert_y(_load(folder, "y_train")[:train_examples])
        self.x_test = self.examples.convert(_load(folder, "x_test"))
        self.labels_test = np.array(_load(folder, "y_test"))

    def __len__(self):
        """Training batches in an epoch; the last, partial one is dropped so that every batch has one shape."""
        return len(self.x_train) // self.batch_size

    def report(self):
        """{setting: choice} as the arrays themselves show."""
        labels = "one_hot" if self.y_train.ndim == 2 else "sparse"
        return dict(self.examples.report(self.x_train), labels=labels)

    def epoch(self, seed, number):
        """Yield the (x, y) batches of one epoch."""
        indices = order(seed, number, len(self.x_train))
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            chosen = indices[start : start + self.batch_size]
            yield self.examples.arrange(self.x_train[chosen]), self.y_train[chosen]

    def test(self):
        """Yield (x, n): every test batch, the last one padded to full size, and how many of its rows count."""
        for start in range(0, len(self.x_test), self.batch_size):
            x = self.x_test[start : start + self.batch_size]
            missing = self.batch_size - len(x)
            padding = np.zeros((missing,) + x.shape[1:], x.dtype)
            yield self.examples.arrange(np.concatenate([x, padding]) if missing else x), len(x)


def _load(folder, name):
    return np.load(os.path.join(folder, name + ".npy"), mmap_mode="r", allow_pickle=False)


class Pictures(object):
    """(N, C, H, W) or (N, H, W, C), in the precision that is trained in."""

    def __init__(self, settings):
        self.axes = {"nchw": (0, 1, 2, 3), "nhwc": (0, 2, 3, 1)}[settings["layout"]]
        self.dtype = settings["precision"]

    def convert(self, x):
        return np.ascontiguousarray(x.transpose(self.axes), dtype=self.dtype)

    def arrange(self, batch):
        return batch

    def report(self, x):
        return {}


class Sequences(object):
    """Word numbers, padded with zeros after the last word or before the first; a batch has examples or time steps first."""

    def __init__(self, settings):
        self.before, self.time_first = settings["padding"] == "pre", settings["sequence_layout"] == "tnc"

    def convert(self, x):
        x = np.array(x, dtype=np.int32)
        if not self.before:
            return x
        shift = x.shape[1] - np.count_nonzero(x, axis=1)
        return np.take_along_axis(x, (np.arange(x.shape[1]) - shift[:, None]) % x.shape[1], axis=1)

    def arrange(self, batch):
        return np.ascontiguousarray(batch.T) if self.time_first else batch

    def report(self, x):
        return {"padding": "pre" if np.any(x[:, 0] == 0) else "post"}


EXAMPLES = {"cnn": Pictures, "gru": Sequences}


def _labels(settings, classes):
    forms = {
        "sparse": lambda y: np.ascontiguousarray(y, dtype=np.int32),
        "one_hot": lambda y: np.eye(classes, dtype=settings["precision"])[np.asarray(y)],
    }
    return forms[settings["labels"]]
