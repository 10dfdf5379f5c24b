"""Cut one line of writing out of a page.

A blob is connected ink. The median height is the median of the heights of the line's strokes.
"""

from __future__ import annotations

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
        left: Column of the page that the first column of the arrays shows.
        top: Row of the page at the upper end of each column of the arrays, (width,) int.
        box: Box around the line's ink, in pixels of the page.
        digit_height: Median height of the line's strokes, in pixels of the page.
    """

    distance: Plane
    ink: Ink
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
    is_own = np.zeros(len(blobs.boxes) + 1, bool)
    is_own[own + 1] = True
    pixels: tuple[Any, ...] = np.s_[top:bottom, left:right]
    is_on_page: Mask | bool = True
    if slope:
        page_rows = np.arange(top, bottom)[:, None] + shift
        is_on_page = (page_rows >= 0) & (page_rows < rows)
        pixels = np.clip(page_rows, 0, rows - 1), np.arange(left, right)
    labels = blobs.labels[pixels]
    is_foreign = ~is_own & ~_is_inside(blobs, boxes)
    is_foreign[0] = False
    grown = grow(is_own[labels])
    # `page.distance` still contains the rulings. The network can read lines with rulings, because
    # it was trained with rulings. It misreads the gaps that erased rulings leave in strokes.
    foreign = grow(is_foreign[labels]) & ~grown
    distance = np.where(is_on_page & ~foreign, page.distance[pixels], np.float32(0))
    box = ArrayBox(*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist())
    line_ink = np.where(grown & is_on_page, ink[pixels], np.float32(0))
    return Line(distance, line_ink, left, top + shift, box, height)


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
    """Return the slope of a straight line through the middles of the strokes.

    Return 0 if the line of writing is nearly horizontal, or too short to measure its slope.
    """
    x = (strokes[:, 1] + strokes[:, 3]) / 2
    y = (strokes[:, 0] + strokes[:, 2]) / 2
    if len(strokes) < 3 or np.ptp(x) < 2 * height:
        return 0.0
    slope = float(np.clip(np.polyfit(x, y, 1)[0], -MAX_SLOPE, MAX_SLOPE))
    return slope if abs(slope) * np.ptp(x) >= MIN_RISE * height else 0.0
