"""One split of a data set, and the arrays in which it is saved."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

CHUNK = 5000  # examples converted at a time: the training images of Fashion-MNIST take 0.7 GB as float32


class Part(NamedTuple):
    """One split.

    examples: images (N, C, H, W) of any number type, or sequences (N, T) of word numbers. labels: (N,).
    white: the value of a white pixel, scaled to 1.0; None for sequences, which are saved unchanged.
    """

    examples: NDArray[Any]
    labels: NDArray[np.integer[Any]]
    white: float | None = None

    def save(self, folder: Path, name: str) -> None:
        """Write x_NAME.npy, float32 in [0, 1] or int32, and y_NAME.npy, int32."""
        np.save(folder / f"y_{name}.npy", self.labels.astype(np.int32))
        kind = np.int32 if self.white is None else np.float32
        array = np.lib.format.open_memmap(folder / f"x_{name}.npy", "w+", kind, self.examples.shape)
        for start in range(0, len(array), CHUNK):
            chunk = self.examples[start : start + CHUNK]
            array[start : start + CHUNK] = chunk if self.white is None else chunk / np.float32(self.white)
        array.flush()
