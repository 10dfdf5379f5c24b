"""Removal of the printed lines of ruled or grid paper, forms and cheques."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dlflask.imaging.morphology.blobs import find_blobs
from dlflask.imaging.morphology.running import running_maximum, running_minimum
from dlflask.types import Ink, Mask

#: Minimum longer side, in pixels, of an image that is searched for lines. A smaller image is a
#: cropped digit, whose own bar may reach from edge to edge.
MIN_SIDE = 40

#: Maximum distance of a line's ends from the edges, divided by the width of the image. The bar of a
#: digit ends farther from the edges.
MAX_MARGIN = 0.03

#: Minimum length of the runs that make up a line: `RUN_SHARE` of the image's width, but at least
#: `MIN_RUN` pixels. A run is a sequence of ink pixels side by side in one row. `RUN_SHARE` allows a
#: slope of about 5 degrees. Runs shorter than `MIN_RUN` occur in every stroke.
RUN_SHARE, MIN_RUN = 0.08, 10

#: Maximum width of a gap that a bold stroke leaves in a line, divided by the width of the image.
MAX_GAP = 0.2

#: Minimum part of the ink that is outside of a single line. If less ink is outside of the line, the
#: line is a cropped 1.
MIN_REST = 0.1

#: Minimum number of parallel lines that make ruled paper, and minimum length of these lines,
#: divided by the width of the image. Such lines may fade before the edge of the image.
MIN_RULES, MIN_SPAN = 3, 0.7

#: Minimum number of lines from edge to edge that make ruled paper. Strokes may hide further lines.
MIN_CROSSING = 2

#: Lines with less ink (0..1) than this are fainter than the pen.
MAX_FAINT_INK = 0.5

#: Minimum height of vertical runs of ink that belong to strokes, because a line is not so tall:
#: `TALL_SHARE` of the image's height, but at least `MIN_TALL` pixels.
TALL_SHARE, MIN_TALL = 0.04, 6


class Lines(NamedTuple):
    """Masks of parallel lines.

    Attributes:
        thin: Mask of the lines, without the places where strokes cross the lines.
        filled: Mask of the lines, with the places where strokes cross the lines.
        number: Number of lines.
    """

    thin: Mask
    filled: Mask
    number: int


def erase_lines(ink: Ink, mask: Mask) -> Ink:
    """Clear the lines that cross the image, except where a stroke crosses a line.

    Args:
        ink: (height, width) float32 in 0..1.
        mask: (height, width), True where `ink` counts as ink.

    Returns:
        (height, width) float32 in 0..1. `ink` itself if there are no such lines.
    """
    if max(mask.shape) < MIN_SIDE:
        return ink
    if not (_crosses(mask) or _crosses(mask.T)):
        return ink
    rows, columns = _find_lines(mask), _find_lines(mask.T)
    lines = rows.thin | columns.thin.T | (rows.filled & columns.filled.T)
    if not lines.any():
        return ink
    rest = np.count_nonzero(mask & ~lines)
    if rest < MIN_REST * np.count_nonzero(mask) and rows.number + columns.number == 1:
        return ink  # One straight stroke from edge to edge is a cropped 1.
    if rows.number + columns.number >= MIN_RULES:
        # If the lines are fainter than the pen, subtract the ink of the lines from all ink. This
        # also clears pieces of lines that were not found.
        line_ink = np.float32(np.percentile(ink[lines], 30))
        if line_ink < MAX_FAINT_INK:
            ink = ((ink - line_ink).clip(0) / (1 - line_ink)).astype(np.float32)
    return np.where(lines, np.float32(0), ink)


def erase_horizontal_lines(ink: Ink, mask: Mask) -> Ink:
    """Clear the lines from the left to the right edge, except where a stroke crosses a line.

    Vertical lines stay, because in a tightly cropped image of one line of writing, a 1 may reach
    from the upper to the lower edge.

    Args:
        ink: (height, width) float32 in 0..1.
        mask: (height, width), True where `ink` counts as ink.

    Returns:
        (height, width) float32 in 0..1. `ink` itself if there are no such lines.
    """
    if max(mask.shape) < MIN_SIDE:
        return ink
    lines = _find_lines(mask)
    rest = np.count_nonzero(mask & ~lines.thin)
    if not lines.number or rest < MIN_REST * np.count_nonzero(mask):
        return ink
    return np.where(lines.thin, np.float32(0), ink)


def _crosses(mask: Mask) -> bool:
    """Return True if there is ink near the left edge and near the right edge."""
    margin = 2 + int(MAX_MARGIN * mask.shape[1])
    return bool(mask[:, :margin].any() and mask[:, -margin:].any())


def _find_lines(mask: Mask) -> Lines:
    """Find the lines that go from left to right."""
    thin, filled = np.zeros_like(mask), np.zeros_like(mask)
    height, width = mask.shape
    length = max(MIN_RUN, int(RUN_SHARE * width))
    if not _crosses(mask) or not (runs := _keep_runs(mask, length, axis=1, outside=None)).any():
        return Lines(thin, filled, 0)
    tall = _keep_runs(mask, max(MIN_TALL, int(TALL_SHARE * height)), axis=0)
    runs &= ~tall
    # Join runs to one line across small steps, and across gaps where a stroke crosses the line.
    joined = _dilate(runs, max(MIN_RUN, int(MAX_GAP * width)), axis=1)
    blobs = find_blobs(_dilate(joined, 3, axis=0), corners=False)
    blob_numbers = blobs.paint()
    margin = MAX_MARGIN * width + 1
    candidates = []
    for index, (top, left, bottom, right) in enumerate(blobs.measure_boxes().tolist(), start=1):
        box = np.s_[top:bottom, left:right]
        own_runs = runs[box] & (blob_numbers[box] == index)
        columns = left + np.flatnonzero(own_runs.any(axis=0))
        crosses = columns[0] <= margin and columns[-1] >= width - 1 - margin
        is_long = columns[-1] - columns[0] >= MIN_SPAN * width
        touches_edge = columns[0] == 0 or columns[-1] == width - 1
        candidates.append((box, own_runs, crosses, is_long, touches_edge))
    num_crossing = sum(crosses for _, _, crosses, _, _ in candidates)
    num_long = sum(is_long for _, _, _, is_long, _ in candidates)
    is_ruled = num_crossing >= MIN_CROSSING or num_long >= MIN_RULES
    number = 0
    for box, own_runs, crosses, is_long, touches_edge in candidates:
        if crosses or (is_ruled and (is_long or touches_edge)):
            line = _dilate(own_runs, 3, axis=0) & mask[box] & ~tall[box]
            thin[box] |= line
            filled[box] |= _close(line, 2 * length + 1, axis=1) & mask[box]
            number += 1
    return Lines(thin, filled, number)


def _dilate(mask: Mask, length: int, axis: int) -> Mask:
    return running_maximum(mask, length, axis, outside=0)


def _close(mask: Mask, length: int, axis: int) -> Mask:
    return running_minimum(_dilate(mask, length, axis), length, axis)


def _keep_runs(mask: Mask, length: int, axis: int, outside: int | None = 0) -> Mask:
    """Keep only the runs of at least `length` pixels along `axis`."""
    eroded = running_minimum(mask, length, axis, outside=outside)
    return running_maximum(eroded, length, axis, outside=0, before=(length - 1) // 2)
