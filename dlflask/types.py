"""Array types and boxes shared by all packages."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Decoded image: (height, width) or (channels, height, width), 0..255.
Pixels = NDArray[np.uint8]

#: Ink: (height, width) in 0..1, 1 where a pen touched the paper, 0 on paper.
Ink = NDArray[np.float32]

#: Input of a network: (28, 28) in 0..1, ink = 1, or (N, 28, 28) as a batch.
Tensor = NDArray[np.float32]

#: Outputs of a network: (classes,) or (N, classes).
Outputs = NDArray[np.float32]

#: Largest deviation from 1 of the sum of outputs that count as probabilities. A float32 softmax
#: deviates far less.
SUM_TOLERANCE = 1e-3

Mask = NDArray[np.bool_]

#: Side of a network's input in pixels, as in MNIST.
SIZE = 28


class ImageBox(NamedTuple):
    """Box in an image, in pixels, in Pillow's order; `right` and `bottom` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int


class ArrayBox(NamedTuple):
    """Box in an array, in pixels, in NumPy's order; `bottom` and `right` are exclusive."""

    top: int
    left: int
    bottom: int
    right: int
