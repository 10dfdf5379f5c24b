"""Cut a line into its digits along the places that the number network found."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dlflask.digits.normalization import boost_contrast, centre, scale_to_box
from dlflask.digits.segmentation import inked_box
from dlflask.imaging.morphology.blobs import find_blobs
from dlflask.types import SIZE, ArrayBox, Ink, Mask, Tensor

#: Ink above this belongs to a stroke.
FAINT = 0.2

#: A blob belongs to the place that has this part of its ink, or more.
MOST = 0.8

#: Price of a cut away from the middle between two places, in ink per pixel.
_OFF_MIDDLE = 0.02


def cut_digits(ink: Ink, centres: Sequence[float]) -> list[Ink]:
    """Return the ink of the character at each place, all other ink cleared.

    A blob usually goes as a whole to the place that has most of its ink, so that slanted digits
    stay complete. Touching digits are cut in the column with the least ink between them.

    Args:
        ink: (height, width) float32 in 0..1: one line of writing.
        centres: Column of the middle of each character, ascending.

    Returns:
        (height, width) float32 arrays, one for each place.
    """
    number = len(centres)
    cells = _cells(ink, centres)
    found = find_blobs(ink > FAINT)
    labels, num_blobs = found.paint(), found.number
    index = labels * number + cells
    mass = np.bincount(index.ravel(), ink.ravel(), (num_blobs + 1) * number)
    mass = mass.reshape(num_blobs + 1, number)
    total = np.maximum(mass.sum(axis=1), 1e-9)
    owner = mass.argmax(axis=1)
    is_whole = mass.max(axis=1) >= MOST * total
    # Cut a blob that reaches into a place without other ink, so that this place gets a part.
    served = np.bincount(owner[1:], mass[1:].sum(axis=1), number)
    typical = float(np.median(served[served > 0])) if (served > 0).any() else 0.0
    needy = served < 0.1 * typical
    is_whole |= ~((mass > 0.08 * total[:, None]) & needy).any(axis=1)
    owners = np.where(is_whole, owner, -1)[labels]
    owners = np.where(owners < 0, cells, owners)
    return [np.where(owners == place, ink, 0).astype(np.float32) for place in range(number)]


def _cells(ink: Ink, centres: Sequence[float]) -> NDArray[np.intp]:
    """Return the place of each column: cut where the ink between two places is least."""
    profile = ink.sum(axis=0)
    width = ink.shape[1]
    cuts = []
    for one, other in pairwise(centres):
        left = min(max(0, int(one)), width - 1)
        right = min(max(left + 1, int(np.ceil(other)) + 1), width)
        columns = np.arange(left, right)
        price = profile[left:right] + _OFF_MIDDLE * np.abs(columns - (one + other) / 2)
        cuts.append(left + int(price.argmin()))
    return np.searchsorted(np.array(cuts, np.intp), np.arange(width), side="right")


def to_tensor(digit: Ink) -> tuple[Tensor, ArrayBox | None]:
    """Return the (28, 28) input of the digit network, and the digit's box in the line.

    A place without ink gives an empty tensor.
    """
    mask: Mask = digit > FAINT
    box = inked_box(mask)
    if box is None:
        return np.zeros((SIZE, SIZE), np.float32), None
    top, left, bottom, right = box
    return centre(boost_contrast(scale_to_box(digit[top:bottom, left:right]))), box
