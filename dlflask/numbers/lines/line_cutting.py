"""Cut one line of writing out of a page.

A blob is connected ink. The median height is the median of the heights of the line's strokes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlflask.imaging.morphology.growth import grow
from dlflask.imaging.resize import Plane
from dlflask.numbers.lines.page import Page
from dlflask.numbers.lines.page_blobs import Band, PageBlobs
from dlflask.types import ArrayBox, Ink, Mask

#: Margins around a line, in median heights: above and below the line, and left and right of it.
PAD_ROWS, PAD_COLUMNS = 0.12, 0.25

#: A line is straightened if it rises or falls by at least `MIN_RISE` median heights. Slopes are
#: limited to `MAX_SLOPE`.
MIN_RISE, MAX_SLOPE = 0.25, 0.35


@dataclass(frozen=True, eq=False)
class Line:
    """One line of writing, straightened.

    Attributes:
        distance: Difference of each pixel's brightness from the paper's, (height, width) float32,
            in any unit. It is positive for ink.
        ink: Ink of this line without the ink of other lines, (height, width) float32 in 0..1.
        labels: (height, width) int32, i + 1 in the pixels of the line's blob i, 0 elsewhere.
        left: Column of the page that the first column of the arrays shows.
        top: Row of the page at the upper end of each column of the arrays, (width,) int.
        box: Box around the line's ink, in pixels of the page.
        digit_height: Median height of the line's strokes, in pixels of the page.
    """

    distance: Plane
    ink: Ink
    labels: NDArray[np.int32]
    left: int
    top: NDArray[np.intp]
    box: ArrayBox
    digit_height: float


def cut_line(band: Band, blobs: PageBlobs, page: Page, ink: Ink) -> Line:
    """Cut a line out of the page, and shift its columns up or down to make the line horizontal.

    Args:
        band: Indices of the line's blobs.
        blobs: Blobs of the page.
        page: The page, with its rulings.
        ink: Ink of the page without rulings, (height, width) float32 in 0..1.
    """
    own = np.array(sorted(band.members + band.marks))
    boxes = blobs.boxes[own]
    strokes = blobs.boxes[band.members]
    height = float(np.median(strokes[:, 2] - strokes[:, 0]))
    rows, columns = page.ink.shape
    left = max(0, int(boxes[:, 1].min() - PAD_COLUMNS * height))
    right = min(columns, int(np.ceil(boxes[:, 3].max() + PAD_COLUMNS * height)))
    slope = _slope(strokes, height)
    shift = np.rint(slope * (np.arange(left, right) - (left + right) / 2)).astype(np.intp)
    # For each blob, the shift of the column in its middle.
    shifts = np.rint(slope * ((boxes[:, 1] + boxes[:, 3]) / 2 - (left + right) / 2)).astype(np.intp)
    pad = PAD_ROWS * height
    top = int((boxes[:, 0] - shifts).min() - pad)
    bottom = int(np.ceil((boxes[:, 2] - shifts).max() + pad))
    if slope == 0:
        top, bottom = max(0, top), min(rows, bottom)
    # For each label of the page, the label of the same blob in the line.
    new_labels = np.zeros(len(blobs.boxes) + 1, np.int32)
    new_labels[own + 1] = np.arange(1, len(own) + 1)
    is_foreign = (new_labels == 0) & ~_is_inside(blobs, boxes)
    is_foreign[0] = False
    # `page.distance` still contains the rulings. The network can read lines with rulings, because
    # it was trained with rulings. It misreads the gaps that erased rulings leave in strokes.
    planes = blobs.labels, page.distance, ink
    if slope:
        page_labels, distance, line_ink = _cut_sloping(planes, top, bottom, left, shift)
    else:
        page_labels, distance, line_ink = (plane[top:bottom, left:right].copy() for plane in planes)
    labels = new_labels[page_labels]
    grown = grow(labels > 0)
    line_ink *= grown
    if is_foreign.any():
        distance *= ~grow(is_foreign[page_labels]) | grown
    box = ArrayBox(*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist())
    return Line(distance, line_ink, labels, left, top + shift, box, height)


def _cut_sloping(
    planes: Sequence[NDArray[Any]], top: int, bottom: int, left: int, shift: NDArray[np.intp]
) -> list[NDArray[Any]]:
    """Cut the rows `top` to `bottom` out of each plane, with each column shifted down by `shift`.

    Pixels beyond the edges of the planes are 0.
    """
    height, width = planes[0].shape
    rows = np.arange(top, bottom)[:, None] + shift
    is_outside = (rows < 0) | (rows >= height)
    # One index for each pixel of the flattened plane is faster than a row and a column.
    pixels = rows.clip(0, height - 1) * width + np.arange(left, left + len(shift))
    cut = [plane.ravel()[pixels] for plane in planes]
    if is_outside.any():
        for plane in cut:
            plane[is_outside] = 0
    return cut


def _is_inside(blobs: PageBlobs, boxes: NDArray[np.intp]) -> Mask:
    """Return True for each label whose blob lies inside the line's box. Label 0 (paper) is False.

    Args:
        blobs: Blobs of the page.
        boxes: Boxes of the line's blobs.
    """
    top, left = boxes[:, :2].min(axis=0)
    bottom, right = boxes[:, 2:].max(axis=0)
    inside = (
        (blobs.boxes[:, 0] >= top)
        & (blobs.boxes[:, 2] <= bottom)
        & (blobs.boxes[:, 1] >= left)
        & (blobs.boxes[:, 3] <= right)
    )
    labelled: Mask = np.concatenate(([False], inside))
    return labelled


def _slope(strokes: NDArray[np.intp], height: float) -> float:
    """Return the slope of the straight line through the middles of the strokes (least squares).

    Return 0 if the line of writing is nearly horizontal, or too short to measure its slope.
    """
    x = (strokes[:, 1] + strokes[:, 3]) / 2
    y = (strokes[:, 0] + strokes[:, 2]) / 2
    if len(strokes) < 3 or np.ptp(x) < 2 * height:
        return 0.0
    from_middle = x - x.mean()
    slope = float(from_middle @ y / (from_middle @ from_middle))
    slope = min(max(slope, -MAX_SLOPE), MAX_SLOPE)
    return slope if abs(slope) * np.ptp(x) >= MIN_RISE * height else 0.0
