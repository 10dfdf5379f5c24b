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

#: A pixel with more ink than `FAINT` belongs to a blob (connected ink). The mass of a blob is the
#: sum of its ink, and the main blob is the blob with the largest mass. The main blob is a digit
#: only if at least one of its pixels has ink of `SURE` or more.
FAINT, SURE = 0.2, 0.45

#: A pixel with more ink than this may belong to a ruled line. The value is smaller than `FAINT`, so
#: that the faint parts of a line are erased too.
LINE_INK = 0.1

#: Minimum mass of a stroke, divided by the mass of the main blob. A blob with less mass is a speck.
MIN_MASS = 0.04

#: The same minimum for a blob that touches the edge of the image, if the main blob does not touch
#: the edge. A blob of less mass at the edge is then probably a part of another object.
MIN_MASS_AT_EDGE = 0.3

#: The blobs show the grain of the paper instead of a digit if their number exceeds `MANY_BLOBS` and
#: the strokes have less than `MIN_DIGIT_SHARE` of the mass of all blobs.
MIN_DIGIT_SHARE, MANY_BLOBS = 0.3, 20

#: Maximum gap between the boxes of the main blob and of another stroke of the same digit, divided
#: by the longer side of the main blob.
MAX_STROKE_GAP = 0.3

#: Minimum length of a digit's longer side, in pixels.
MIN_SIDE = 4

#: Maximum width of one digit, divided by its height. Wider strokes may be several digits.
MAX_ASPECT = 1.3

#: A neighbour is a blob beside the main blob that may be another digit. These are its minimum
#: height and its minimum mass, divided by the height and the mass of the main blob.
MIN_NEIGHBOUR_HEIGHT, MIN_NEIGHBOUR_MASS = 0.55, 0.25

#: Minimum number of rows that a neighbour and the main blob share, divided by the smaller height of
#: the two. Maximum number of columns that both share, divided by the smaller width.
MIN_SHARED_ROWS, MAX_SHARED_COLUMNS = 0.5, 0.35


class FoundDigit(NamedTuple):
    """The strokes of one digit.

    Attributes:
        ink: (height, width) float32 in 0..1, cropped to the strokes. All other ink is set to 0.
        corner: Row and column of the upper left corner of `ink` in the image.
        is_crowded: True if the image may show several digits, because the main blob has a neighbour
            or because the strokes are wider than one digit (see `MAX_ASPECT`).
    """

    ink: Ink
    corner: tuple[int, int]
    is_crowded: bool


def locate_digit(ink: Ink) -> tuple[Ink, tuple[int, int]]:
    """Return the ink and the corner that `find_digit` finds, as `read_ink` needs them.

    Raises:
        BlankImage: Strokes are missing or too small to be a digit.
    """
    return find_digit(ink)[:2]


def find_digit(ink: Ink) -> FoundDigit:
    """Find the strokes of the digit, and clear all other ink.

    Raises:
        BlankImage: Strokes are missing or too small to be a digit.
    """
    ink = erase_lines(ink, ink > LINE_INK)
    mask = ink > FAINT
    inked = inked_box(mask)
    if inked is None:
        raise BlankImage("The image shows no ink. Write one digit and send it again.")
    first_row, first_column, *_ = inked
    height, width = ink.shape
    ink, mask = _crop(ink, inked), _crop(mask, inked)
    blobs = find_blobs(mask)
    if blobs.number == 1:
        _check_strokes(float(ink.max()), max(ink.shape))
        return FoundDigit(ink, (first_row, first_column), _is_wide(*ink.shape))
    blob_numbers, boxes = blobs.paint(), blobs.measure_boxes()
    mass = np.bincount(blob_numbers.ravel(), ink.ravel())[1:]
    # Box of the whole image. Like `boxes`, it is in coordinates of the cropped ink.
    image_box = np.array([-first_row, -first_column, height - first_row, width - first_column])
    is_stroke = _select_strokes(boxes, mass, touches_edge=(boxes == image_box).any(axis=1))
    if mass[is_stroke].sum() < MIN_DIGIT_SHARE * mass.sum() and len(mass) > MANY_BLOBS:
        raise BlankImage(
            f"The image shows {len(mass)} specks instead of a digit. Write one larger digit and "
            "send a new image."
        )
    top, left = boxes[is_stroke, :2].min(axis=0)
    bottom, right = boxes[is_stroke, 2:].max(axis=0)
    peak = np.max(ink, where=blob_numbers == 1 + mass.argmax(), initial=0)
    _check_strokes(float(peak), max(bottom - top, right - left))
    box = np.s_[top:bottom, left:right]
    corner = first_row + int(top), first_column + int(left)
    is_crowded = _is_wide(int(bottom - top), int(right - left)) or _has_neighbours(boxes, mass)
    if is_stroke.all():
        return FoundDigit(ink[box], corner, is_crowded)
    strokes = np.concatenate(([False], is_stroke))[blob_numbers[box]]
    digit: Ink = np.where(grow(strokes), ink[box], 0)
    return FoundDigit(digit, corner, is_crowded)


def inked_box(mask: Mask) -> ArrayBox | None:
    """Return the box around all ink, None if there is no ink.

    The first and the last row are searched in the flattened mask. This takes a third of the time of
    `any(axis=1)`.
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


def _crop(plane: NDArray[Any], box: ArrayBox) -> NDArray[Any]:
    top, left, bottom, right = box
    return plane[top:bottom, left:right]


def _check_strokes(peak: float, side: int) -> None:
    """Raise BlankImage if the darkest pixel is too faint or the longer side is too short."""
    if peak < SURE:
        raise BlankImage(
            "The largest mark in the image is too faint for a digit. Write one digit with a dark "
            "pen and send a new image."
        )
    if side < MIN_SIDE:
        raise BlankImage(
            f"The largest mark in the image is less than {MIN_SIDE} pixels wide and high. Send an "
            "image with a digit that is at least 8 pixels high."
        )


def _is_wide(height: int, width: int) -> bool:
    return width > MAX_ASPECT * height


def _has_neighbours(boxes: NDArray[np.signedinteger], mass: NDArray[np.number]) -> bool:
    """Return True if a blob of similar height and mass stands beside the main blob."""
    main = int(mass.argmax())
    top, left, bottom, right = boxes.T
    heights, widths = bottom - top, right - left
    shared_rows = np.minimum(bottom, bottom[main]) - np.maximum(top, top[main])
    shared_columns = np.minimum(right, right[main]) - np.maximum(left, left[main])
    is_beside = (shared_rows > MIN_SHARED_ROWS * np.minimum(heights, heights[main])) & (
        shared_columns < MAX_SHARED_COLUMNS * np.minimum(widths, widths[main])
    )
    is_tall = heights > MIN_NEIGHBOUR_HEIGHT * heights[main]
    is_heavy = mass > MIN_NEIGHBOUR_MASS * mass[main]
    return bool((is_beside & is_tall & is_heavy).any())


def _select_strokes(
    boxes: NDArray[np.signedinteger], mass: NDArray[np.number], touches_edge: Mask
) -> Mask:
    """Select the main blob, and the blobs near the main blob that are not specks."""
    main = int(mass.argmax())
    top_left, bottom_right = boxes[:, :2], boxes[:, 2:]
    gap = MAX_STROKE_GAP * (bottom_right[main] - top_left[main]).max()
    near = (top_left < bottom_right[main] + gap) & (bottom_right > top_left[main] - gap)
    minimum = np.where(touches_edge & ~touches_edge[main], MIN_MASS_AT_EDGE, MIN_MASS)
    is_stroke: Mask = near.all(axis=1) & (mass >= minimum * mass[main])
    return is_stroke
