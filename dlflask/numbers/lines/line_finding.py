"""Find the lines of writing on a page by the heights and positions of its strokes.

Strokes that share rows of pixels are joined to lines, from left to right. Smaller marks, such as
points and dashes, are then added to a line near them. In the names and comments below, a blob is
connected ink, a band is the list of a line's blobs, and the median height is an estimate of the
median of all strokes' heights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlflask.numbers.lines.frames import erase_rulings
from dlflask.numbers.lines.line_cutting import Line, cut_line
from dlflask.numbers.lines.page import Page
from dlflask.numbers.lines.page_blobs import Band, PageBlobs, select_writing
from dlflask.types import Mask

#: Minimum height of a stroke, in median heights. A lower blob is a mark, such as a point or a dash.
MIN_STROKE = 0.45

#: Minimum height of a stroke, in pixels.
MIN_PIXELS = 6

#: Two neighbouring strokes are on one line if the rows that they share are more than `MIN_OVERLAP`
#: of the smaller of their heights, and the gap between them is at most `MAX_GAP` median heights.
MIN_OVERLAP, MAX_GAP = 0.35, 3.5

#: Minimum ink of a mark, relative to the median ink of the line's strokes. A speck has less ink.
MIN_MARK = 0.02

#: A blob is the side of a frame if it is higher than both `SIDE` times the image's height and
#: `SIDE_HEIGHT` median heights, narrower than `SIDE_WIDTH` times its own height, and closer to the
#: left or right edge of the image than `NEAR_EDGE` times the image's width.
SIDE, SIDE_HEIGHT, SIDE_WIDTH, NEAR_EDGE = 0.7, 1.25, 0.22, 0.2

#: Maximum number of lines of a page, and minimum height of a line relative to the highest line.
MAX_LINES, MIN_LINE = 32, 0.35

#: Minimum height of a line of one stroke, relative to the highest line of several strokes. A lower
#: stroke becomes a mark.
MIN_SINGLE = 0.75


def find_lines(page: Page) -> list[Line]:
    """Return the lines of writing on `page`, from top to bottom, or an empty list."""
    found = erase_rulings(page.ink)
    blobs = select_writing(found)
    if not len(blobs.boxes):
        return []
    height = _median_height(blobs)
    is_stroke = (blobs.heights >= max(MIN_PIXELS, MIN_STROKE * height)) & ~_is_excluded(
        blobs, height, page.ink.shape
    )
    bands = _join_strokes(blobs, np.flatnonzero(is_stroke), height)
    bands, small_strokes = _set_apart_small(bands, blobs)
    bands = _drop_small(bands, blobs, page.ink.shape)
    marks = np.concatenate((np.flatnonzero(~is_stroke), np.array(small_strokes, np.intp)))
    _add_marks(bands, blobs, marks, height)
    lines = [cut_line(band, blobs, page, found.ink) for band in bands]
    return sorted(lines, key=lambda line: (line.box.top + line.box.bottom, line.box.left))


def _median_height(blobs: PageBlobs) -> float:
    """Return an estimate of the median of all strokes' heights.

    This is the larger of two values: the median height of the high blobs, and 0.6 of the median
    height of the blobs with much ink.
    """
    heights = blobs.heights
    # About nine tenths of the blobs are not higher than this.
    great_height = np.sort(heights)[9 * (len(heights) - 1) // 10]
    high = heights[heights >= 0.4 * great_height]
    bold = heights[blobs.mass >= 0.25 * blobs.mass.max()]
    return float(max(np.median(high), 0.6 * np.median(bold)))


def _is_excluded(blobs: PageBlobs, height: float, shape: tuple[int, ...]) -> Mask:
    """Return True for each blob that cannot be a stroke even if it is high enough.

    Such a blob is cut off by the image's edge, too high for a digit, or the side of a frame.
    """
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
    excluded: Mask = is_low | is_narrow | is_large | is_side
    return excluded


def _join_strokes(blobs: PageBlobs, strokes: NDArray[np.intp], height: float) -> list[Band]:
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


def _overlap(blobs: PageBlobs, one: int, other: int, height: float) -> float:
    """Return the number of rows that two blobs share, divided by the smaller of their heights.

    Return 0 if the gap between the blobs is too wide for one line.
    """
    top, left, bottom, _ = blobs.boxes[one].tolist()
    other_top, _, other_bottom, other_right = blobs.boxes[other].tolist()
    if left - other_right > MAX_GAP * height:
        return 0.0
    shared: int = min(bottom, other_bottom) - max(top, other_top)
    smaller_height: int = min(bottom - top, other_bottom - other_top)
    return shared / smaller_height


def _set_apart_small(bands: list[Band], blobs: PageBlobs) -> tuple[list[Band], list[int]]:
    """Return two lists: all lines but those of a single small stroke, and these strokes' indices.

    If there is a line of several strokes, a single small stroke is probably a comma that reaches
    far down, a part of a frame or a blot. If all lines have one stroke, all lines are returned.
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


def _drop_small(bands: list[Band], blobs: PageBlobs, shape: tuple[int, ...]) -> list[Band]:
    """Drop single strokes at the image's edge, and low or faint lines.

    If more than `MAX_LINES` lines remain, keep the lines with the most ink.
    """
    edges = np.array([0, 0, *shape])
    if len(bands) > 1:
        not_at_edge = [
            band
            for band in bands
            if len(band.members) > 1 or not (blobs.boxes[band.members[0]] == edges).any()
        ]
        bands = not_at_edge or bands
    heights = [float(np.median(blobs.heights[band.members])) for band in bands]
    mass = [float(blobs.mass[band.members].sum()) for band in bands]
    min_height, min_mass = MIN_LINE * max(heights, default=0), 0.05 * max(mass, default=0)
    kept = [
        band
        for band, height, ink in zip(bands, heights, mass, strict=True)
        if height >= min_height and ink >= min_mass
    ]
    return sorted(kept, key=lambda band: -blobs.mass[band.members].sum())[:MAX_LINES]


def _add_marks(bands: list[Band], blobs: PageBlobs, marks: NDArray[np.intp], height: float) -> None:
    """Add each mark (point, dash or broken-off stroke) to the first line whose strokes are near it.

    A page may have thousands of specks. To save time, each line is compared with all marks at once.
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
        # First leave out marks above or below all strokes of the line, because the search for the
        # nearest stroke of each mark takes longer.
        is_beside = (middle_y >= boxes[:, 0].min() - 0.3 * height) & (
            middle_y <= boxes[:, 2].max() + 0.35 * height
        )
        near = np.flatnonzero(is_free & is_dark & is_beside & (gap <= reach))
        centres = (boxes[:, 1] + boxes[:, 3]) / 2
        nearest = boxes[np.abs(centres - middle_x[near, None]).argmin(axis=1)]
        is_level = (nearest[:, 0] - 0.3 * height <= middle_y[near]) & (
            middle_y[near] <= nearest[:, 2] + 0.35 * height
        )
        band.marks.extend(marks[near[is_level]].tolist())
        is_free[near[is_level]] = False
