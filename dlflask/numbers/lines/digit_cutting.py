"""Divide the ink of a line among its characters, whose positions the number network found.

A blob is connected ink. Each column of the line belongs to one character.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlflask.digits.normalization import boost_contrast, centre, scale_to_box
from dlflask.types import SIZE, ArrayBox, Ink, Tensor

#: A blob is kept whole if at least this share of its ink is in the columns of one character.
MOST = 0.8

#: Penalty for the distance of a cut from the middle between two characters, in ink per pixel.
_OFF_MIDDLE = 0.02


class Piece(NamedTuple):
    """Ink of one character.

    Attributes:
        ink: (height, width) float32 in 0..1, the ink in `box`. All other ink is cleared. It has the
            size 0 x 0 if `box` is None.
        box: Box around the ink, in pixels of the line; None for a character without ink.
    """

    ink: Ink
    box: ArrayBox | None


def cut_digits(ink: Ink, labels: NDArray[np.int32], centres: Sequence[float]) -> list[Piece]:
    """Return the ink of each character.

    A blob usually goes as a whole to the character whose columns contain at least `MOST` of the
    blob's ink, so that slanted digits stay complete. Touching digits are cut in the column with the
    least ink between their centres.

    Args:
        ink: (height, width) float32 in 0..1: one line of writing.
        labels: (height, width) int32, i + 1 in the pixels of blob i, 0 elsewhere.
        centres: Column of the middle of each character, ascending; at least one.
    """
    number = len(centres)
    column_owners = _assign_columns(ink, centres)
    # For each pixel of a blob: its row, its column, the index of its blob, and the character that
    # owns its column.
    pixels = np.flatnonzero(labels > 0)  # faster than `nonzero` of `labels`
    rows, columns = np.divmod(pixels, ink.shape[1])
    blob = labels.ravel()[pixels].astype(np.intp) - 1
    by_column = column_owners[columns]
    # Ink of each blob in the columns of each character.
    length = (int(blob.max(initial=-1)) + 1) * number
    mass = np.bincount(blob * number + by_column, ink.ravel()[pixels], length).reshape(-1, number)
    total = mass.sum(axis=1)
    by_blob = mass.argmax(axis=1)
    is_whole = mass.max(axis=1) >= MOST * total
    # A character that would get almost no ink if no blob were cut probably touches a neighbour. Cut
    # each blob that reaches into its columns, so that the character gets a part of the blob.
    received = np.bincount(by_blob, total, number)
    typical = float(np.median(received[received > 0])) if len(pixels) else 0.0
    is_almost_empty = received < 0.1 * typical
    is_whole |= ~((mass > 0.08 * total[:, None]) & is_almost_empty).any(axis=1)
    # The character that gets each of these pixels.
    own = np.where(is_whole[blob], by_blob[blob], by_column)
    owners = np.tile(column_owners, (len(ink), 1))
    owners.ravel()[pixels] = own
    return [
        _cut(ink, owners, character, box)
        for character, box in enumerate(_measure_boxes(own, rows, columns, number))
    ]


def _measure_boxes(
    owners: NDArray[np.intp], rows: NDArray[np.intp], columns: NDArray[np.intp], number: int
) -> list[ArrayBox]:
    """Return the box around the pixels of each owner, an empty box for an owner without pixels."""
    boxes = np.zeros((4, number), np.intp)
    boxes[:2] = np.iinfo(np.intp).max
    np.minimum.at(boxes[0], owners, rows)
    np.minimum.at(boxes[1], owners, columns)
    np.maximum.at(boxes[2], owners, rows + 1)
    np.maximum.at(boxes[3], owners, columns + 1)
    return [ArrayBox(*box) for box in boxes.T.tolist()]


def _cut(ink: Ink, owners: NDArray[np.intp], character: int, box: ArrayBox) -> Piece:
    top, left, bottom, right = box
    if bottom <= top:
        return Piece(np.zeros((0, 0), np.float32), None)
    part = np.s_[top:bottom, left:right]
    return Piece(np.where(owners[part] == character, ink[part], np.float32(0)), box)


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


def to_tensor(digit: Ink) -> Tensor:
    """Return the (28, 28) input of the digit network for the ink of a `Piece`."""
    if not digit.size:
        return np.zeros((SIZE, SIZE), np.float32)
    return centre(boost_contrast(scale_to_box(digit)))
