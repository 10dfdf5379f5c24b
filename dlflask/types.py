"""Array types and boxes shared by all packages."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Decoded image: (height, width) or (channels, height, width), 0..255.
Pixels = NDArray[np.uint8]

#: Ink: (height, width), 1 where a pen touched the paper, 0 elsewhere.
Ink = NDArray[np.float32]

#: Input of a network: (28, 28), ink = 1, or (N, 28, 28) as a batch.
Tensor = NDArray[np.float32]

#: Outputs of a network: (classes,) or (N, classes).
Outputs = NDArray[np.float32]

Mask = NDArray[np.bool_]

#: Side of a network's input in pixels, as in MNIST.
SIZE = 28


class ImageBox(NamedTuple):
    """Box in an image, in Pillow's order, in pixels; `right` and `bottom` lie outside."""

    left: int
    top: int
    right: int
    bottom: int


class ArrayBox(NamedTuple):
    """Box in an array, in NumPy's order, in pixels; `bottom` and `right` lie outside."""

    top: int
    left: int
    bottom: int
    right: int
