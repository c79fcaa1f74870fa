"""Sizes of the CNN's pictures on their way through the network. Read by Python 3.6 to 3.13: standard library only."""

from typing import Dict, Tuple  # noqa: F401  in type comments

# Pixels that a pair of 3x3 convolutions takes from a side; pixels that a 2x2 pooling moves on by.
MARGINS = {"same": 0, "valid": 4}
STRIDES = {"two": 2, "one": 1}


def flat_sides(input_shape, settings):
    # type: (Tuple[int, int, int], Dict[str, str]) -> Tuple[int, ...]
    """(height, width) where the first dense layer receives a picture of (channels, height, width).

    Raises ValueError where the convolutions leave nothing to pool.
    """
    return tuple(_pooled(_pooled(size, settings), settings) for size in input_shape[1:])


def _pooled(size, settings):
    # type: (int, Dict[str, str]) -> int
    convolved = size - MARGINS[settings["conv_padding"]]
    if convolved < 2:
        raise ValueError(
            "without a border two convolutions leave nothing to pool of {} pixels; take larger pictures".format(size)
        )
    return (convolved - 2) // STRIDES[settings["pool_stride"]] + 1
