"""Find the lines of writing on a page by the heights and positions of its strokes.

It needs no network. Strokes of about the same height are joined from left to right. Smaller marks,
such as points and dashes, are added to the line beside them. In the names and comments below, a
blob is connected ink, and a median height is the median of the strokes' heights.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlflask.imaging.morphology.blobs import find_blobs
from dlflask.imaging.morphology.growth import grow
from dlflask.imaging.resize import Plane
from dlflask.numbers.lines.frames import erase_rulings
from dlflask.numbers.lines.page import Page
from dlflask.types import ArrayBox, Ink, Mask

#: A pixel with more ink than `FAINT` belongs to a blob. A blob counts as writing if at least one of
#: its pixels has as much ink as `SURE`.
FAINT, SURE = 0.2, 0.45

#: Least height of a stroke, in median heights. A lower blob is a mark, such as a point or a dash.
MIN_STROKE = 0.45

#: Least height of a digit, in pixels.
MIN_PIXELS = 6

#: Two neighbours are on one line if their rows overlap by the first part of the lower one's height
#: and the gap between them is at most the second number of median heights.
MIN_OVERLAP, MAX_GAP = 0.35, 3.5

#: Least ink of a mark, relative to the median ink of the line's strokes. A speck has less.
MIN_MARK = 0.02

#: Margins of a line, in median heights: above and below it, and at its left and right ends.
PAD_ROWS, PAD_COLUMNS = 0.12, 0.25

#: A line is straightened if it rises by this many median heights; up to this slope.
MIN_RISE, MAX_SLOPE = 0.25, 0.35

#: The side of a frame is higher than `SIDE` times the image and `SIDE_HEIGHT` median heights. It is
#: narrower than `SIDE_WIDTH` times its height. It is near the left or right edge: closer than
#: `NEAR_EDGE` times the image's width.
SIDE, SIDE_HEIGHT, SIDE_WIDTH, NEAR_EDGE = 0.7, 1.25, 0.22, 0.2

#: Most lines of a page, and least height of a line relative to the tallest line.
MAX_LINES, MIN_LINE = 32, 0.35

#: Least height of a line of one stroke, relative to the tallest line of several.
MIN_SINGLE = 0.75


@dataclass(frozen=True, eq=False)
class Line:
    """One line of writing, straightened.

    Attributes:
        distance: Contrast with the paper, (height, width) float32, in any unit.
        ink: Ink of this line without its neighbours, (height, width) float32 in 0..1.
        left: Column of the page at the line's left edge.
        top: Row of the page at the upper edge of each column, (width,).
        box: Box around its ink, in pixels of the page.
        digit_height: Median height of its strokes, in pixels of the page.
    """

    distance: Plane
    ink: Ink
    left: int
    top: NDArray[np.intp]
    box: ArrayBox
    digit_height: float


@dataclass
class _Band:
    """Blobs of one line, by index: strokes from left to right, and marks."""

    members: list[int]
    marks: list[int] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class _Blobs:
    """Blobs of a page. Blob i has the label i + 1, a box (top, left, bottom, right) and its ink."""

    labels: NDArray[np.int32]
    boxes: NDArray[np.intp]
    mass: NDArray[np.float64]

    @property
    def heights(self) -> NDArray[np.intp]:
        return self.boxes[:, 2] - self.boxes[:, 0]

    @property
    def widths(self) -> NDArray[np.intp]:
        return self.boxes[:, 3] - self.boxes[:, 1]


def find_lines(page: Page) -> list[Line]:
    """Return the lines of writing on `page`, from top to bottom, or an empty list."""
    ink = erase_rulings(page.ink)
    blobs = _find_blobs(ink)
    if not len(blobs.boxes):
        return []
    height = _median_height(blobs)
    is_stroke = (blobs.heights >= max(MIN_PIXELS, MIN_STROKE * height)) & ~_is_cut(
        blobs, height, page.ink.shape
    )
    bands = _join_strokes(blobs, np.flatnonzero(is_stroke), height)
    bands, small = _set_apart_small(bands, blobs)
    bands = _drop_small(bands, blobs, page.ink.shape)
    marks = np.concatenate((np.flatnonzero(~is_stroke), np.array(small, np.intp)))
    _add_marks(bands, blobs, marks, height)
    lines = [_cut_out(band, blobs, page, ink) for band in bands]
    return sorted(lines, key=lambda line: (line.box.top + line.box.bottom, line.box.left))


def _find_blobs(ink: Ink) -> _Blobs:
    found = find_blobs(ink > FAINT)
    labels, boxes, number = found.paint(), found.measure_boxes(), found.number
    mass = np.bincount(labels.ravel(), ink.ravel(), number + 1)[1:].astype(np.float64)
    kept = np.bincount(labels[ink >= SURE], minlength=number + 1)[1:] > 0
    if kept.all():
        return _Blobs(labels, boxes, mass)
    new = np.zeros(number + 1, np.int32)
    new[1:][kept] = np.arange(1, np.count_nonzero(kept) + 1)
    return _Blobs(new[labels], boxes[kept], mass[kept])


def _median_height(blobs: _Blobs) -> float:
    """Return the median height of the strokes: of high blobs, or of bold ones if that is more."""
    heights = blobs.heights
    large = heights[heights >= 0.4 * np.percentile(heights, 90)]
    order = heights[blobs.mass >= 0.25 * blobs.mass.max()]
    return float(max(np.median(large), 0.6 * np.median(order)))


def _is_cut(blobs: _Blobs, height: float, shape: tuple[int, ...]) -> Mask:
    """Return True for each blob that the image's edge cuts off, or that is too high for a digit."""
    top, left, bottom, right = blobs.boxes.T
    touches_rows = (top == 0) | (bottom == shape[0])
    touches_columns = (left == 0) | (right == shape[1])
    is_low = touches_rows & (blobs.heights < 0.6 * height)
    is_narrow = touches_columns & (blobs.widths < 0.12 * height)
    is_large = blobs.heights > 3.5 * height
    is_side = (
        (blobs.heights > max(SIDE * shape[0], SIDE_HEIGHT * height))
        & (blobs.widths < SIDE_WIDTH * blobs.heights)
        & ((left < NEAR_EDGE * shape[1]) | (right > (1 - NEAR_EDGE) * shape[1]))
    )
    cut: Mask = is_low | is_narrow | is_large | is_side
    return cut


def _join_strokes(blobs: _Blobs, strokes: NDArray[np.intp], height: float) -> list[_Band]:
    """Join each stroke to the line that it continues, or begin a new line with it."""
    bands: list[_Band] = []
    for index in strokes[np.argsort(blobs.boxes[strokes, 1], kind="stable")].tolist():
        best, best_overlap = None, MIN_OVERLAP
        for band in bands:
            overlap = max(_overlap(blobs, index, last, height) for last in band.members[-3:])
            if overlap > best_overlap:
                best, best_overlap = band, overlap
        if best:
            best.members.append(index)
        else:
            bands.append(_Band([index]))
    return bands


def _overlap(blobs: _Blobs, one: int, other: int, height: float) -> float:
    """Return the common rows of two blobs, relative to the lower one; 0 if they are far apart."""
    top, left, bottom, _ = blobs.boxes[one].tolist()
    other_top, _, other_bottom, other_right = blobs.boxes[other].tolist()
    if left - other_right > MAX_GAP * height:
        return 0.0
    shared: int = min(bottom, other_bottom) - max(top, other_top)
    lower: int = min(bottom - top, other_bottom - other_top)
    return shared / lower


def _set_apart_small(bands: list[_Band], blobs: _Blobs) -> tuple[list[_Band], list[int]]:
    """Return the lines, and the single small strokes beside one of several strokes.

    Such a stroke is a comma that reaches far down, a part of a frame or a blot.
    """
    several = [band for band in bands if len(band.members) > 1]
    if not several:
        return bands, []
    height = max(float(np.median(blobs.heights[band.members])) for band in several)
    is_small = [
        len(band.members) == 1 and blobs.heights[band.members[0]] < MIN_SINGLE * height
        for band in bands
    ]
    kept = [band for band, small in zip(bands, is_small, strict=True) if not small]
    return kept, [band.members[0] for band, small in zip(bands, is_small, strict=True) if small]


def _drop_small(bands: list[_Band], blobs: _Blobs, shape: tuple[int, ...]) -> list[_Band]:
    """Drop single strokes at the image's edge, low or faint lines, and all after `MAX_LINES`."""
    edges = np.array([0, 0, *shape])
    if len(bands) > 1:
        whole = [
            band
            for band in bands
            if len(band.members) > 1 or not (blobs.boxes[band.members[0]] == edges).any()
        ]
        bands = whole or bands
    heights = [float(np.median(blobs.heights[band.members])) for band in bands]
    mass = [float(blobs.mass[band.members].sum()) for band in bands]
    least, least_mass = MIN_LINE * max(heights, default=0), 0.05 * max(mass, default=0)
    kept = [
        band
        for band, height, ink in zip(bands, heights, mass, strict=True)
        if height >= least and ink >= least_mass
    ]
    return sorted(kept, key=lambda band: -blobs.mass[band.members].sum())[:MAX_LINES]


def _add_marks(bands: list[_Band], blobs: _Blobs, marks: NDArray[np.intp], height: float) -> None:
    """Add each point, dash or broken-off stroke to the first line that it stands on.

    A page may have thousands of specks, so all of them are compared with a line at once.
    """
    top, left, bottom, right = blobs.boxes[marks].T
    middle_y, middle_x = (top + bottom) / 2, (left + right) / 2
    is_dash = (right - left > 2 * (bottom - top)) & (right - left > 0.2 * height)
    reach = np.where(is_dash, 1.2, 0.6) * height
    is_free = np.ones(len(marks), bool)
    for band in bands:
        boxes = blobs.boxes[band.members]
        is_dark = blobs.mass[marks] >= MIN_MARK * np.median(blobs.mass[band.members])
        gap = np.maximum(boxes[:, 1].min() - right, left - boxes[:, 3].max())
        # Those in the rows of the line; the others are not level with any of its strokes.
        is_beside = (middle_y >= boxes[:, 0].min() - 0.3 * height) & (
            middle_y <= boxes[:, 2].max() + 0.35 * height
        )
        near = np.flatnonzero(is_free & is_dark & is_beside & (gap <= reach))
        centres = (boxes[:, 1] + boxes[:, 3]) / 2
        stroke = boxes[np.abs(centres - middle_x[near, None]).argmin(axis=1)]
        is_level = (stroke[:, 0] - 0.3 * height <= middle_y[near]) & (
            middle_y[near] <= stroke[:, 2] + 0.35 * height
        )
        band.marks.extend(marks[near[is_level]].tolist())
        is_free[near[is_level]] = False


def _cut_out(band: _Band, blobs: _Blobs, page: Page, ink: Ink) -> Line:
    """Cut a line out of the page and shift its columns so that it runs level."""
    own = np.array(sorted(band.members + band.marks))
    boxes = blobs.boxes[own]
    strokes = blobs.boxes[band.members]
    height = float(np.median(strokes[:, 2] - strokes[:, 0]))
    rows, columns = page.ink.shape
    left = max(0, int(boxes[:, 1].min() - PAD_COLUMNS * height))
    right = min(columns, int(np.ceil(boxes[:, 3].max() + PAD_COLUMNS * height)))
    slope = _slope(strokes, height)
    shift = np.rint(slope * (np.arange(left, right) - (left + right) / 2)).astype(np.intp)
    level = np.rint(slope * ((boxes[:, 1] + boxes[:, 3]) / 2 - (left + right) / 2)).astype(np.intp)
    pad = PAD_ROWS * height
    top = int((boxes[:, 0] - level).min() - pad)
    bottom = int(np.ceil((boxes[:, 2] - level).max() + pad))
    if slope == 0:
        top, bottom = max(0, top), min(rows, bottom)
    is_own = np.zeros(len(blobs.boxes) + 1, bool)
    is_own[own + 1] = True
    where: tuple[Any, ...] = np.s_[top:bottom, left:right]
    inside: Mask | bool = True
    if slope:
        lines = np.arange(top, bottom)[:, None] + shift
        inside = (lines >= 0) & (lines < rows)
        where = np.clip(lines, 0, rows - 1), np.arange(left, right)
    labels = blobs.labels[where]
    is_foreign = ~is_own & ~_is_inside(blobs, boxes)
    is_foreign[0] = False
    grown = grow(is_own[labels])
    # `page.distance` still has the rulings. An erased ruling leaves a gap in each stroke that it
    # crosses. The network misreads such gaps, and it has been trained with rulings.
    foreign = grow(is_foreign[labels]) & ~grown
    distance = np.where(inside & ~foreign, page.distance[where], np.float32(0))
    box = ArrayBox(*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist())
    line_ink = np.where(grown & inside, ink[where], np.float32(0))
    return Line(distance, line_ink, left, top + shift, box, height)


def _is_inside(blobs: _Blobs, boxes: NDArray[np.intp]) -> Mask:
    """Return True for each blob, by label, inside the line's box: such specks stay in the line."""
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
    """Return the slope of a line through the middles of its strokes; 0 if it is nearly level."""
    x = (strokes[:, 1] + strokes[:, 3]) / 2
    y = (strokes[:, 0] + strokes[:, 2]) / 2
    if len(strokes) < 3 or np.ptp(x) < 2 * height:
        return 0.0
    slope = float(np.clip(np.polyfit(x, y, 1)[0], -MAX_SLOPE, MAX_SLOPE))
    return slope if abs(slope) * np.ptp(x) >= MIN_RISE * height else 0.0
