"""Array types and boxes shared by all packages."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Decoded image: uint8 of (height, width) or (channels, height, width), 0..255.
Pixels = NDArray[np.uint8]

#: Ink: float32 of (height, width) in 0..1. It is 1 where a pen touched the paper, 0 elsewhere.
Ink = NDArray[np.float32]

#: Input of a network, float32 in 0..1, ink = 1: (28, 28) for one digit, (N, 28, 28) for N digits,
#: (32, W) for a line.
Tensor = NDArray[np.float32]

#: Outputs of a network: float32 of (classes,), or (N, classes) for N images.
Outputs = NDArray[np.float32]

#: Outputs count as probabilities if their sum differs from 1 by at most this number. The sum of a
#: float32 softmax differs from 1 by much less.
SUM_TOLERANCE = 1e-3

#: Selection of pixels: bool of (height, width).
Mask = NDArray[np.bool_]

#: Width and height of the digit network's input in pixels, as in MNIST.
SIZE = 28


class ImageBox(NamedTuple):
    """Box in an image, in pixels and in Pillow's order. `right` and `bottom` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int


class ArrayBox(NamedTuple):
    """Box in an array, in pixels and in NumPy's order. `bottom` and `right` are exclusive."""

    top: int
    left: int
    bottom: int
    right: int
