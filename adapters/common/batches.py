"""Batches: memory-mapped arrays, a fixed order, and the layout and labels of a configuration. NumPy only."""

import os

import numpy as np


def order(seed, epoch, examples):
    """The order of the training examples in one epoch, int64 (examples,).

    NumPy froze RandomState's stream, so every version from 1.16 to 2.x gives every framework the same order.
    """
    return np.random.RandomState((seed * 1000003 + epoch) % 2**32).permutation(examples)


def observations(seed, epoch, examples, batch_size):
    """The examples of each batch in one epoch, int64 (batches, batch_size), shuffled example by example.

    The last, partial batch is dropped so that every batch has one shape.
    """
    batches = examples // batch_size
    return order(seed, epoch, examples)[: batches * batch_size].reshape(batches, batch_size)


def whole_batches(seed, epoch, examples, batch_size):
    """The same, but the batches are those of the first epoch, in another order."""
    batches = observations(seed, 0, examples, batch_size)
    return batches[order(seed, epoch, len(batches))]


ARRANGEMENTS = {"observations": observations, "batches": whole_batches}


class Batches(object):
    """The examples of one data set in the form that a configuration requires, in memory before any clock starts.

    folder: holds x_train.npy, images (N, C, H, W) float32 or sequences (N, T) int32; y_train.npy (N,) int32; x_test.npy
    and y_test.npy. form: the network's batch class, Images or Sequences. `load` assembles the batches: `generate`,
    unless a framework's own loader replaces it.
    """

    def __init__(self, folder, form, settings, batch_size, classes, train_examples=None):
        self.batch_size = batch_size
        self.examples, convert_y = form(settings), _labels(settings, classes)
        self.x_train = self.examples.convert(_load(folder, "x_train")[:train_examples])
        self.y_train = convert_y(_load(folder, "y_train")[:train_examples])
        self.x_test = self.examples.convert(_load(folder, "x_test"))
        self.labels_test = np.array(_load(folder, "y_test"))
        self.arrangement, self.load = ARRANGEMENTS[settings["shuffle"]], self.generate

    def __len__(self):
        """Training batches in an epoch."""
        return len(self.x_train) // self.batch_size

    def report(self):
        """{setting: choice} read back from the arrays."""
        labels = "one_hot" if self.y_train.ndim == 2 else "sparse"
        shuffled = {arrange: choice for choice, arrange in ARRANGEMENTS.items()}[self.arrangement]
        loader = "generator" if self.load == self.generate else "framework"
        return dict(self.examples.report(self.x_train), labels=labels, shuffle=shuffled, loader=loader)

    def epoch(self, seed, number):
        """Yield the (x, y) batches of one epoch."""
        return self.load(self.x_train, self.y_train, self.arrangement(seed, number, len(self.x_train), self.batch_size))

    def generate(self, x, y, batches):
        for chosen in batches:
            yield self.examples.arrange(x[chosen]), y[chosen]

    def test(self):
        """Yield (x, n): every test batch, the last one padded to full size, and how many of its rows count."""
        for start in range(0, len(self.x_test), self.batch_size):
            x = self.x_test[start : start + self.batch_size]
            missing = self.batch_size - len(x)
            padding = np.zeros((missing,) + x.shape[1:], x.dtype)
            yield self.examples.arrange(np.concatenate([x, padding]) if missing else x), len(x)


def _load(folder, name):
    return np.load(os.path.join(folder, name + ".npy"), mmap_mode="r", allow_pickle=False)


FROM_NCHW = {"nchw": (0, 1, 2, 3), "nhwc": (0, 2, 3, 1)}
TO_NCHW = (0, 3, 1, 2)
OTHER_LAYOUT = {"nchw": "nhwc", "nhwc": "nchw"}
# The type of the arrays that frameworks receive.
DTYPES = {"float32": "float32", "float64": "float64", "tf32": "float32", "bfloat16": "float32"}


class Images(object):
    """(N, C, H, W) or (N, H, W, C), in the training precision; stored in this order or the other."""

    def __init__(self, settings):
        layout, self.dtype = settings["layout"], DTYPES[settings["precision"]]
        self.transposed = settings["data_layout"] == "transposed"
        self.stored = OTHER_LAYOUT[layout] if self.transposed else layout
        self.axes = FROM_NCHW[layout] if self.stored == "nchw" else TO_NCHW

    def convert(self, x):
        return np.ascontiguousarray(x.transpose(FROM_NCHW[self.stored]), dtype=self.dtype)

    def arrange(self, batch):
        return np.ascontiguousarray(batch.transpose(self.axes)) if self.transposed else batch

    def report(self, x):
        return {"data_layout": "same" if self.arrange(x[:1]).shape == x[:1].shape else "transposed"}


class Sequences(object):
    """Word indices, padded with zeros after the last word or before the first; examples or time steps first."""

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


def _labels(settings, classes):
    forms = {
        "sparse": lambda y: np.ascontiguousarray(y, dtype=np.int32),
        "one_hot": lambda y: np.eye(classes, dtype=DTYPES[settings["precision"]])[np.asarray(y)],
    }
    return forms[settings["labels"]]
