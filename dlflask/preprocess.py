"""Ink in, tensor out: the digit placed as MNIST placed its digits.

One place for training, notebook and service, so that the network is never shown what it was not
trained on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dlflask.errors import BlankImage
from dlflask.ink import Ink

Tensor = NDArray[np.float32]

#: MNIST's rule: the digit fits a 20x20 box and its centre of mass is the centre of 28x28.
SIZE = 28
BOX = 20

#: Ink below this part of the darkest ink is the grey of a blurred edge or of the paper.
THRESHOLD = 0.25

#: A blob with less than this part of all ink is a speck, and no stroke of the digit.
MIN_BLOB = 0.02

#: The smallest digit that can be read, in pixels of the picture that was sent.
MIN_SIDE = 4


def to_mnist(ink: Ink) -> Tensor:
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
    digit = crop_to_digit(ink)
    return centre(scale_to_box(digit))


def is_placed(ink: Ink) -> bool:
    """Whether `ink` follows MNIST's rule already, as all 70,000 digits of MNIST do."""
    if ink.shape != (SIZE, SIZE) or ink.max() < 0.99:  # MNIST's peaks: 254/255, 1
        return False
    rows, columns = np.nonzero(ink)
    longest = max(np.ptp(rows), np.ptp(columns)) + 1
    middle = np.array(ndimage.center_of_mass(ink))
    # Measured over MNIST: the longest side is 19 or 20, the centre of mass 13.48 to 14.50.
    return bool(longest in (BOX - 1, BOX) and (np.abs(middle - SIZE / 2) < 0.53).all())


def crop_to_digit(ink: Ink) -> Ink:
    """Cut the picture down to the digit; specks and what lies apart from it are cleared."""
    mask = ink > THRESHOLD
    blobs, num_blobs = ndimage.label(mask, structure=np.ones((3, 3)))
    if not num_blobs:
        raise BlankImage("The picture shows no ink. Write one digit and send it again.")
    mass = ndimage.sum_labels(ink, blobs, np.arange(1, num_blobs + 1))
    kept = 1 + np.flatnonzero(mass >= MIN_BLOB * mass.sum())
    if not len(kept):
        raise BlankImage("The picture shows specks and no digit. Write one digit, larger.")
    digit = ndimage.binary_dilation(np.isin(blobs, kept), iterations=2)
    rows, columns = np.nonzero(np.isin(blobs, kept))
    if max(np.ptp(rows), np.ptp(columns)) + 1 < MIN_SIDE:
        raise BlankImage(
            f"The largest mark in the picture is under {MIN_SIDE} pixels. Send a picture in which "
            "the digit is at least 8 pixels high."
        )
    box = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    cut: Ink = np.where(digit, ink, 0)[box].astype(np.float32)
    return cut / cut.max()


def scale_to_box(digit: Ink) -> Ink:
    """Scale the longer side to 20, by areas when shrinking, so that no stroke is lost."""
    height, width = digit.shape
    scale = BOX / max(height, width)
    target = max(1, round(height * scale)), max(1, round(width * scale))
    rows = _area_weights(height, target[0])
    columns = _area_weights(width, target[1])
    box: Ink = (rows @ digit @ columns.T).astype(np.float32)
    return box / box.max()


def _area_weights(source: int, target: int) -> NDArray[np.float32]:
    """(target, source) weights: the part of each source pixel that a target pixel covers.

    When enlarging, neighbours are interpolated.
    """
    span = max(1.0, source / target)
    centres = (np.arange(target) + 0.5) * source / target - 0.5
    distance = np.abs(centres[:, None] - np.arange(source))
    weights = np.clip((span + 1) / 2 - distance, 0, 1)
    total = weights.sum(axis=1, keepdims=True)
    return (weights / total).astype(np.float32)


def centre(box: Ink) -> Tensor:
    """Lay the box on 28x28 with its centre of mass in the middle, by whole pixels."""
    height, width = box.shape
    middle_y, middle_x = ndimage.center_of_mass(box)
    top = int(np.clip(round(SIZE / 2 - middle_y), 0, SIZE - height))
    left = int(np.clip(round(SIZE / 2 - middle_x), 0, SIZE - width))
    tensor = np.zeros((SIZE, SIZE), np.float32)
    tensor[top : top + height, left : left + width] = box
    return tensor
