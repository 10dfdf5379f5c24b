"""Find the lines of writing on a page by the heights and positions of its strokes.

It needs no network. Strokes of about the same height are joined from left to right. Smaller marks,
such as points and dashes, are added to the line beside them. In the names and comments below, a
blob is connected ink, and a median height is the median of the strokes' heights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlflask.numbers.lines.frames import erase_rulings
from dlflask.numbers.lines.line_cutting import Line, cut_line
from dlflask.numbers.lines.page import Page
from dlflask.numbers.lines.page_blobs import Band, Blobs, find_page_blobs
from dlflask.types import Mask

#: Least height of a stroke, in median heights. A lower blob is a mark, such as a point or a dash.
MIN_STROKE = 0.45

#: Least height of a digit, in pixels.
MIN_PIXELS = 6

#: Two neighbours are on one line if their rows overlap by at least `MIN_OVERLAP` of the height of
#: the lower one, and the gap between them is at most `MAX_GAP` median heights.
MIN_OVERLAP, MAX_GAP = 0.35, 3.5

#: Least ink of a mark, relative to the median ink of the line's strokes. A speck has less.
MIN_MARK = 0.02

#: The side of a frame is higher than `SIDE` times the image and `SIDE_HEIGHT` median heights. It is
#: narrower than `SIDE_WIDTH` times its height. It is near the left or right edge: closer than
#: `NEAR_EDGE` times the image's width.
SIDE, SIDE_HEIGHT, SIDE_WIDTH, NEAR_EDGE = 0.7, 1.25, 0.22, 0.2

#: Most lines of a page, and least height of a line relative to the tallest line.
MAX_LINES, MIN_LINE = 32, 0.35

#: Least height of a line of one stroke, relative to the tallest line of several strokes.
MIN_SINGLE = 0.75


def find_lines(page: Page) -> list[Line]:
    """Return the lines of writing on `page`, from top to bottom, or an empty list."""
    ink = erase_rulings(page.ink)
    blobs = find_page_blobs(ink)
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
    lines = [cut_line(band, blobs, page, ink) for band in bands]
    return sorted(lines, key=lambda line: (line.box.top + line.box.bottom, line.box.left))


def _median_height(blobs: Blobs) -> float:
    """Return the median height of the high blobs, or 0.6 of that of the bold blobs, if more."""
    heights = blobs.heights
    large = heights[heights >= 0.4 * np.percentile(heights, 90)]
    order = heights[blobs.mass >= 0.25 * blobs.mass.max()]
    return float(max(np.median(large), 0.6 * np.median(order)))


def _is_cut(blobs: Blobs, height: float, shape: tuple[int, ...]) -> Mask:
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


def _join_strokes(blobs: Blobs, strokes: NDArray[np.intp], height: float) -> list[Band]:
    """Join each stroke to the line that it continues, or begin a new line with it."""
    bands: list[Band] = []
    for index in strokes[np.argsort(blobs.boxes[strokes, 1], kind="stable")].tolist():
        best, best_overlap = None, MIN_OVERLAP
        for band in bands:
            overlap = max(_overlap(blobs, index, last, height) for last in band.members[-3:])
            if overlap > best_overlap:
                best, best_overlap = band, overlap
        if best:
            best.members.append(index)
        else:
            bands.append(Band([index]))
    return bands


def _overlap(blobs: Blobs, one: int, other: int, height: float) -> float:
    """Return the common rows of two blobs, relative to the lower one; 0 if they are far apart."""
    top, left, bottom, _ = blobs.boxes[one].tolist()
    other_top, _, other_bottom, other_right = blobs.boxes[other].tolist()
    if left - other_right > MAX_GAP * height:
        return 0.0
    shared: int = min(bottom, other_bottom) - max(top, other_top)
    lower: int = min(bottom - top, other_bottom - other_top)
    return shared / lower


def _set_apart_small(bands: list[Band], blobs: Blobs) -> tuple[list[Band], list[int]]:
    """Return the lines without single small strokes, and these strokes.

    They are set apart only if some line has several strokes. Beside such a line, a single small
    stroke is a comma that reaches far down, a part of a frame or a blot.
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


def _drop_small(bands: list[Band], blobs: Blobs, shape: tuple[int, ...]) -> list[Band]:
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


def _add_marks(bands: list[Band], blobs: Blobs, marks: NDArray[np.intp], height: float) -> None:
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
        # Only strokes in the rows of the line; other strokes are not level with any of them.
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
