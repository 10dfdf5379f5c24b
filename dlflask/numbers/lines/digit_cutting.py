"""Divide the ink of a line among its characters, whose positions the number network found.

A blob is connected ink. Each column of the line belongs to one character.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dlflask.digits.normalization import boost_contrast, centre, scale_to_box
from dlflask.digits.segmentation import inked_box
from dlflask.imaging.morphology.blobs import find_blobs
from dlflask.types import SIZE, ArrayBox, Ink, Mask, Tensor

#: A pixel with more ink than this belongs to a stroke.
FAINT = 0.2

#: A blob is kept whole if at least this share of its ink is in the columns of one character.
MOST = 0.8

#: Penalty for the distance of a cut from the middle between two characters, in ink per pixel.
_OFF_MIDDLE = 0.02


def cut_digits(ink: Ink, centres: Sequence[float]) -> list[Ink]:
    """Return the ink of each character, in an array in which all other ink is cleared.

    A blob usually goes as a whole to the character whose columns contain at least `MOST` of the
    blob's ink, so that slanted digits stay complete. Touching digits are cut in the column with the
    least ink between their centres.

    Args:
        ink: (height, width) float32 in 0..1: one line of writing.
        centres: Column of the middle of each character, ascending.

    Returns:
        (height, width) float32 arrays, one for each character.
    """
    number = len(centres)
    column_owners = _assign_columns(ink, centres)
    found = find_blobs(ink > FAINT)
    labels, num_blobs = found.paint(), found.number
    # Ink of each blob in the columns of each character.
    index = labels * number + column_owners
    mass = np.bincount(index.ravel(), ink.ravel(), (num_blobs + 1) * number)
    mass = mass.reshape(num_blobs + 1, number)
    total = np.maximum(mass.sum(axis=1), 1e-9)
    blob_owners = mass.argmax(axis=1)
    is_whole = mass.max(axis=1) >= MOST * total
    # A character that would get almost no ink if no blob were cut probably touches a neighbour. Cut
    # each blob that reaches into its columns, so that the character gets a part of the blob.
    received = np.bincount(blob_owners[1:], mass[1:].sum(axis=1), number)
    typical = float(np.median(received[received > 0])) if (received > 0).any() else 0.0
    is_almost_empty = received < 0.1 * typical
    is_whole |= ~((mass > 0.08 * total[:, None]) & is_almost_empty).any(axis=1)
    owners = np.where(is_whole, blob_owners, -1)[labels]
    owners = np.where(owners < 0, column_owners, owners)
    return [np.where(owners == character, ink, 0).astype(np.float32) for character in range(number)]


def _assign_columns(ink: Ink, centres: Sequence[float]) -> NDArray[np.intp]:
    """Return the index of the character that owns each column.

    The cut between two characters is in the column with the least ink, preferably near the middle.
    """
    profile = ink.sum(axis=0)
    width = ink.shape[1]
    cuts = []
    for one, other in pairwise(centres):
        left = min(max(0, int(one)), width - 1)
        right = min(max(left + 1, int(np.ceil(other)) + 1), width)
        columns = np.arange(left, right)
        cost = profile[left:right] + _OFF_MIDDLE * np.abs(columns - (one + other) / 2)
        cuts.append(left + int(cost.argmin()))
    return np.searchsorted(np.array(cuts, np.intp), np.arange(width), side="right")


def to_tensor(digit: Ink) -> tuple[Tensor, ArrayBox | None]:
    """Return the (28, 28) input of the digit network, and the digit's box in the line.

    If `digit` contains no ink, return a tensor of zeros and None.
    """
    mask: Mask = digit > FAINT
    box = inked_box(mask)
    if box is None:
        return np.zeros((SIZE, SIZE), np.float32), None
    top, left, bottom, right = box
    return centre(boost_contrast(scale_to_box(digit[top:bottom, left:right]))), box
