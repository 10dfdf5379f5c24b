"""Ink in, tensor out: the digit placed as MNIST placed its digits.

One place for training, notebook and service, so that the network is never shown what it was not
trained on.
"""

from __future__ import annotations

import math

import numpy as np

from dlflask.digits.segmentation import cut_out_digit, find_digit, inked_box
from dlflask.imaging.read_ink import read_ink
from dlflask.imaging.resize import resize
from dlflask.types import SIZE, Ink, Tensor

#: Named by every answer. Counted up whenever a picture may give another tensor than before, by a
#: change here or in anything between the upload's bytes and the tensor; a test notices.
PREPROCESSING = "3"

#: MNIST's rule: the digit fits a 20x20 box and its centre of mass is the centre of 28x28.
BOX = 20

#: Mean ink of a stroke, weighted by ink: 0.74 to 0.92 for 98 % of MNIST's digits. A thin or
#: faint stroke is raised to it.
STROKE_LEVEL = 0.8

#: For each pixel of a line: 1, and where it is. Products with these are areas and first moments.
_MOMENTS = np.stack([np.ones(SIZE), np.arange(SIZE)]).astype(np.float32)


def read_tensor(upload: bytes) -> Tensor:
    """Decode an image and normalise its digit, as training, evaluation and service all do.

    Returns:
        (28, 28) float32 in 0..1.

    Raises:
        ImageError: The image cannot be read or shows no digit.
    """
    return normalize(read_ink(upload, find_digit))


def normalize(ink: Ink) -> Tensor:
    """Find the digit and place it as MNIST does.

    Args:
        ink: (height, width) float32 in 0..1, ink = 1, paper = 0.

    Returns:
        (28, 28) float32 in 0..1. A picture that is already placed by MNIST's rule is returned
        with its values unchanged.

    Raises:
        BlankImage: There is no ink, or too little of it to be a digit.

    Source: LeCun et al., Gradient-Based Learning Applied to Document Recognition, 1998, III.A.
    """
    if is_placed(ink):
        return ink
    return centre(boost_contrast(scale_to_box(cut_out_digit(ink))))


def is_placed(ink: Ink) -> bool:
    """Whether `ink` follows MNIST's rule already, as all 70,000 digits of MNIST do."""
    if ink.shape != (SIZE, SIZE) or ink.max() < 0.99:
        return False
    box = inked_box(ink > 0)
    if box is None or max(box[2] - box[0], box[3] - box[1]) not in (BOX - 1, BOX):
        return False
    middle_y, middle_x = centre_of_mass(ink)
    # Measured over MNIST: the longest side is 19 or 20, the centre of mass 13.48 to 14.50.
    return max(abs(middle_y - SIZE / 2), abs(middle_x - SIZE / 2)) < 0.53


def scale_to_box(digit: Ink) -> Ink:
    """Scale the longer side to 20, by areas when shrinking, so that no stroke is lost."""
    height, width = digit.shape
    scale = BOX / max(height, width)
    box = resize(digit, max(1, round(height * scale)), max(1, round(width * scale)))
    # Enlarged, the slope at an edge may go on below 0.
    normal: Ink = np.maximum(box / box.max(), 0)
    return normal


def boost_contrast(box: Ink) -> Ink:
    """Raise faint strokes to the ink of MNIST's."""
    level = float(np.vdot(box, box) / box.sum())
    if level >= STROKE_LEVEL:
        return box
    strong: Ink = np.minimum(box * np.float32(STROKE_LEVEL / level), 1)
    return strong


def centre(box: Ink) -> Tensor:
    """Lay the box on 28x28 with its centre of mass in the middle, by whole pixels."""
    height, width = box.shape
    middle_y, middle_x = centre_of_mass(box)
    top = _whole_pixels(SIZE / 2 - middle_y, SIZE - height)
    left = _whole_pixels(SIZE / 2 - middle_x, SIZE - width)
    tensor = np.zeros((SIZE, SIZE), np.float32)
    tensor[top : top + height, left : left + width] = box
    return tensor


def _whole_pixels(offset: float, most: int) -> int:
    """Round to 0..most; halves, which symmetrical digits have, the same way on every processor."""
    return min(max(math.floor(offset + 0.501), 0), most)


def centre_of_mass(ink: Ink) -> tuple[float, float]:
    """Find the row and column around which the ink of at most 28 x 28 pixels lies.

    Two small products: three times as quick as sums along each axis.
    """
    height, width = ink.shape
    moments = _MOMENTS[:, :height] @ ink @ _MOMENTS[:, :width].T
    (mass, x), (y, _) = moments.tolist()
    return y / mass, x / mass
