"""Normalisation of a digit in position, size and contrast, as in MNIST.

Training, notebook and service share this module, so that the network receives the same kind of
input everywhere.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from dlflask.digits.segmentation import find_digit, inked_box, locate_digit
from dlflask.imaging.read_ink import read_ink
from dlflask.imaging.resize import resize
from dlflask.types import SIZE, Ink, Tensor

#: Version of the preprocessing, which is every step from an image's bytes to the tensor. Each
#: receipt contains this version. Increase it if a change here or in `imaging` may change any
#: tensor. A test compares tensors with recorded tensors.
PREPROCESSING = "4"

#: Side in pixels of the box to which a digit is scaled, as in MNIST.
BOX = 20

#: Minimum stroke level of a digit, in 0..1. The stroke level is the mean of the digit's ink,
#: weighted by the ink itself. `boost_contrast` raises the level of thin or faint digits to this
#: minimum. In MNIST, 98 % of the digits have a level of 0.74 to 0.92.
STROKE_LEVEL = 0.8

#: A row of ones and a row of coordinates. Matrix products with the ink give two kinds of sums over
#: all pixels: of the ink, and of the ink times the pixel's coordinate.
_MOMENTS = np.stack([np.ones(SIZE), np.arange(SIZE)]).astype(np.float32)


class Placed(NamedTuple):
    """A digit that is normalised in position, size and contrast.

    Attributes:
        tensor: (28, 28) float32 in 0..1.
        is_crowded: True if the image may show several digits.
    """

    tensor: Tensor
    is_crowded: bool


def read_tensor(upload: bytes) -> Tensor:
    """Decode an image and normalise its digit.

    Returns:
        (28, 28) float32 in 0..1.

    Raises:
        ImageError: The image cannot be read or shows no digit.
    """
    return normalize(read_ink(upload, locate_digit))


def normalize(ink: Ink) -> Tensor:
    """Normalise the digit as `place` does, and return only the tensor."""
    return place(ink).tensor


def place(ink: Ink) -> Placed:
    """Find the digit in `ink` and normalise the digit as in MNIST.

    In MNIST, a digit is scaled to fit a box of 20 x 20. Its centre of mass is in the middle of an
    image of 28 x 28.

    Args:
        ink: (height, width) float32 in 0..1, ink = 1, paper = 0.

    Returns:
        The normalised digit. Its tensor is `ink` itself if `ink` is already normalised.

    Raises:
        BlankImage: The image has no ink, or too little ink for a digit.

    Source: LeCun et al., Gradient-Based Learning Applied to Document Recognition, 1998, section
    III.A.
    """
    if is_normalized(ink):
        return Placed(ink, is_crowded=False)
    digit = find_digit(ink)
    return Placed(centre(boost_contrast(scale_to_box(digit.ink))), digit.is_crowded)


def is_normalized(ink: Ink) -> bool:
    """Return True if `ink` has the size and position of a digit in MNIST.

    All 70,000 digits of MNIST give True.
    """
    if ink.shape != (SIZE, SIZE) or ink.max() < 0.99:
        return False
    box = inked_box(ink > 0)
    # In MNIST, the longer side of a digit is 19 or 20.
    if box is None or max(box[2] - box[0], box[3] - box[1]) not in (BOX - 1, BOX):
        return False
    middle_y, middle_x = centre_of_mass(ink)
    # In MNIST, the row and the column of the centre of mass are 13.48 to 14.50.
    return max(abs(middle_y - SIZE / 2), abs(middle_x - SIZE / 2)) < 0.53


def scale_to_box(digit: Ink) -> Ink:
    """Scale a digit so that its longer side is `BOX` pixels and its darkest ink is 1."""
    height, width = digit.shape
    scale = BOX / max(height, width)
    box = resize(digit, max(1, round(height * scale)), max(1, round(width * scale)))
    # When `resize` enlarges a digit, the values at the edges are extrapolated and may be below 0.
    scaled: Ink = np.maximum(box / box.max(), 0)
    return scaled


def boost_contrast(box: Ink) -> Ink:
    """Multiply the ink of thin or faint strokes, to raise their level to about `STROKE_LEVEL`."""
    level = float(np.vdot(box, box) / box.sum())
    if level >= STROKE_LEVEL:
        return box
    strong: Ink = np.minimum(box * np.float32(STROKE_LEVEL / level), 1)
    return strong


def centre(box: Ink) -> Tensor:
    """Place the box at whole pixels, so that its centre of mass is near the middle of 28 x 28."""
    height, width = box.shape
    middle_y, middle_x = centre_of_mass(box)
    top = _whole_pixels(SIZE / 2 - middle_y, SIZE - height)
    left = _whole_pixels(SIZE / 2 - middle_x, SIZE - width)
    tensor = np.zeros((SIZE, SIZE), np.float32)
    tensor[top : top + height, left : left + width] = box
    return tensor


def _whole_pixels(offset: float, maximum: int) -> int:
    """Round `offset` and limit the result to 0..`maximum`.

    The offset of a symmetrical digit may end in .5, plus or minus a rounding error that depends on
    the processor. Adding 0.501 instead of 0.5 rounds this offset up on every processor.
    """
    return min(max(math.floor(offset + 0.501), 0), maximum)


def centre_of_mass(ink: Ink) -> tuple[float, float]:
    """Return the row and column of the centre of mass of `ink`, which is at most 28 x 28.

    Matrix products take a third of the time that sums along each axis would take.
    """
    height, width = ink.shape
    moments = _MOMENTS[:, :height] @ ink @ _MOMENTS[:, :width].T
    (mass, x), (y, _) = moments.tolist()
    return y / mass, x / mass
