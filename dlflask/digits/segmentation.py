"""Selection of the digit's strokes among specks, ruled lines and edges of the photo."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlflask.errors import BlankImage
from dlflask.imaging.morphology.blobs import find_blobs
from dlflask.imaging.morphology.growth import grow
from dlflask.imaging.ruled_lines import erase_lines
from dlflask.types import ArrayBox, Ink, Mask

#: Ink of at most `FAINT` is paper or a blurred edge. A stroke has at least one pixel with ink of
#: `SURE` or more.
FAINT, SURE = 0.2, 0.45

#: Minimum ink of a ruled line. It is lower than `FAINT`, so that the faint parts of a line are
#: erased too.
LINE = 0.1

#: Minimum ink of a blob (connected ink), divided by the ink of the main blob. The main blob is the
#: blob with the most ink. A blob with less ink than the minimum is a speck.
MIN_BLOB = 0.04

#: The same minimum for a blob that the image's edge cuts, if the edge does not also cut the main
#: blob. Such a blob is probably a part of something else.
MIN_CUT_BLOB = 0.3

#: The image shows only the grain of the paper if the blobs that were chosen as the digit have less
#: than `MIN_SHARE` of all ink, and the image has more than `MAX_SPECKS` blobs.
MIN_SHARE, MAX_SPECKS = 0.3, 20

#: Maximum gap between the main blob and another stroke of the same digit, divided by the longer
#: side of the main blob.
MAX_STROKE_GAP = 0.3

#: Minimum length of a digit's longer side, in pixels.
MIN_SIDE = 4

#: Maximum width of one digit, divided by its height. Wider strokes may be several digits, because
#: few digits are that wide.
WIDE = 1.3

#: Limits for a neighbour, which is a blob beside the main blob that may be another digit. The first
#: two are its minimum height and its minimum ink, each divided by that of the main blob. The third
#: is the minimum number of rows that both blobs share, divided by the smaller height. The fourth is
#: the maximum number of columns that both blobs share, divided by the smaller width.
NEIGHBOUR, NEIGHBOUR_INK, NEIGHBOUR_ROWS, NEIGHBOUR_COLUMNS = 0.55, 0.25, 0.5, 0.35

SPECKS = "The image shows specks but not a digit. Write one larger digit and send it again."


class Segment(NamedTuple):
    """The strokes of one digit.

    Attributes:
        ink: (height, width) float32 in 0..1, cropped to the strokes. All other ink is set to 0.
        corner: Row and column of the upper left corner of `ink` in the image.
        is_crowded: True if the image may show several digits: either these strokes have a neighbour
            (see `NEIGHBOUR`), or they are wide for one digit (see `WIDE`).
    """

    ink: Ink
    corner: tuple[int, int]
    is_crowded: bool


def cut_out_digit(ink: Ink) -> Ink:
    """Return the ink of the digit as `segment` does.

    Raises:
        BlankImage: Strokes are missing or too small to be a digit.
    """
    return segment(ink).ink


def find_digit(ink: Ink) -> tuple[Ink, tuple[int, int]]:
    """Return the ink of the digit and its upper left corner (row, column), as `segment` does.

    Raises:
        BlankImage: Strokes are missing or too small to be a digit.
    """
    return segment(ink)[:2]


def segment(ink: Ink) -> Segment:
    """Find the strokes of the digit, and clear all other ink.

    Raises:
        BlankImage: Strokes are missing or too small to be a digit.
    """
    ink = erase_lines(ink, ink > LINE)
    mask = ink > FAINT
    inked = inked_box(mask)
    if inked is None:
        raise BlankImage("The image shows no ink. Write one digit and send it again.")
    first_row, first_column, *_ = inked
    height, width = ink.shape
    ink, mask = _cut(ink, inked), _cut(mask, inked)
    blobs = find_blobs(mask)
    if blobs.number == 1:
        _check_strokes(float(ink.max()), max(ink.shape))
        return Segment(ink, (first_row, first_column), _is_wide(*ink.shape))
    window = np.array([-first_row, -first_column, height - first_row, width - first_column])
    blob_numbers, bounds = blobs.paint(), blobs.measure_boxes()
    mass = np.bincount(blob_numbers.ravel(), ink.ravel())[1:]
    kept = _strokes_of_one_digit(bounds, mass, (bounds == window).any(axis=1))
    peak = np.max(ink, where=blob_numbers == 1 + mass.argmax(), initial=0)
    if mass[kept].sum() < MIN_SHARE * mass.sum() and len(mass) > MAX_SPECKS:
        raise BlankImage(SPECKS)
    top, left = bounds[kept, :2].min(axis=0)
    bottom, right = bounds[kept, 2:].max(axis=0)
    _check_strokes(float(peak), max(bottom - top, right - left))
    box = np.s_[top:bottom, left:right]
    corner = first_row + int(top), first_column + int(left)
    is_crowded = _is_wide(int(bottom - top), int(right - left)) or _has_neighbours(bounds, mass)
    if kept.all():
        return Segment(ink[box], corner, is_crowded)
    strokes = np.concatenate(([False], kept))[blob_numbers[box]]
    digit: Ink = np.where(grow(strokes), ink[box], 0)
    return Segment(digit, corner, is_crowded)


def inked_box(mask: Mask) -> ArrayBox | None:
    """Return the box around all ink, None if there is no ink.

    The first and the last row are searched in the flat mask, which takes a third of the time of a
    reduction.
    """
    columns = np.logical_or.reduce(mask)
    left = int(columns.argmax())
    if not columns[left]:
        return None
    height, width = mask.shape
    flat = mask.ravel()
    bottom = height - int(flat[::-1].argmax()) // width
    top, right = int(flat.argmax()) // width, width - int(columns[::-1].argmax())
    return ArrayBox(top, left, bottom, right)


def _cut(plane: NDArray[Any], box: ArrayBox) -> NDArray[Any]:
    top, left, bottom, right = box
    return plane[top:bottom, left:right]


def _check_strokes(peak: float, side: int) -> None:
    if peak < SURE:
        raise BlankImage(SPECKS)
    if side < MIN_SIDE:
        raise BlankImage(
            f"The largest mark in the image measures less than {MIN_SIDE} pixels. Send an image "
            "with a digit that is at least 8 pixels high."
        )


def _is_wide(height: int, width: int) -> bool:
    return width > WIDE * height


def _has_neighbours(bounds: NDArray[np.signedinteger], mass: NDArray[np.number]) -> bool:
    """Return True if a blob of similar height and ink stands beside the main blob."""
    main = int(mass.argmax())
    top, left, bottom, right = bounds.T
    heights, widths = bottom - top, right - left
    shared_rows = np.minimum(bottom, bottom[main]) - np.maximum(top, top[main])
    shared_columns = np.minimum(right, right[main]) - np.maximum(left, left[main])
    is_beside = (shared_rows > NEIGHBOUR_ROWS * np.minimum(heights, heights[main])) & (
        shared_columns < NEIGHBOUR_COLUMNS * np.minimum(widths, widths[main])
    )
    is_similar = (heights > NEIGHBOUR * heights[main]) & (mass > NEIGHBOUR_INK * mass[main])
    return bool((is_beside & is_similar).any())


def _strokes_of_one_digit(
    bounds: NDArray[np.signedinteger], mass: NDArray[np.number], is_cut: Mask
) -> Mask:
    """Select the main blob, and the blobs near the main blob that are not specks."""
    main = int(mass.argmax())
    top_left, bottom_right = bounds[:, :2], bounds[:, 2:]
    gap = MAX_STROKE_GAP * (bottom_right[main] - top_left[main]).max()
    near = (top_left < bottom_right[main] + gap) & (bottom_right > top_left[main] - gap)
    minimum = np.where(is_cut & ~is_cut[main], MIN_CUT_BLOB, MIN_BLOB)
    kept: Mask = near.all(axis=1) & (mass >= minimum * mass[main])
    return kept
