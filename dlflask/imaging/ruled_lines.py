"""Removal of the printed lines of ruled or grid paper, forms and cheques."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dlflask.imaging.morphology.blobs import find_blobs
from dlflask.imaging.morphology.running import running_maximum, running_minimum
from dlflask.types import Ink, Mask

#: Minimum longer side, in pixels, of an image that is searched for lines. Smaller images are
#: cropped digits, whose own bars may reach from edge to edge.
MIN_SIDE = 40

#: Maximum distance of a line's ends from the edges, as a part of the image. The bar of a digit ends
#: farther from the edges.
MAX_MARGIN = 0.03

#: Minimum length of the runs (ink pixels side by side in one row) that make up a line, as a part of
#: the image. This length allows a slope of about 5 degrees.
RUN = 0.08

#: Minimum length of these runs, in pixels. Shorter runs occur in every stroke.
MIN_RUN = 10

#: Maximum gap in a line, where a bold stroke crosses it, as a part of the image.
MAX_GAP = 0.2

#: Minimum part of the ink that is outside of a single line. If there is less ink outside of it, the
#: line is a cropped 1.
MIN_REST = 0.1

#: Minimum number of parallel lines that make ruled paper, and minimum length of these lines as a
#: part of the image. The lines may fade before the edge of the image.
MIN_RULES, MIN_SPAN = 3, 0.7

#: Minimum number of lines from edge to edge that make ruled paper. Strokes may hide further lines.
MIN_CROSSING = 2

#: Ink (0..1) from which lines count as dark as the pen. Such lines are recognised only by their
#: shape.
MAX_LINE_INK = 0.5

#: Maximum thickness of a line: `TALL` as a part of the image, but not less than `MIN_TALL` pixels.
TALL, MIN_TALL = 0.04, 6


class Lines(NamedTuple):
    """Masks of parallel lines.

    Attributes:
        thin: Mask of the lines, without the strokes that cross them.
        filled: Mask of the lines, including the strokes where they cross the lines.
        number: Number of lines.
    """

    thin: Mask
    filled: Mask
    number: int


def erase_lines(ink: Ink, mask: Mask) -> Ink:
    """Clear the lines that cross the image, except where a stroke crosses them.

    Args:
        ink: (height, width) float32 in 0..1.
        mask: (height, width), True where `ink` counts as ink.

    Returns:
        (height, width) float32 in 0..1: `ink` itself if it has no such lines.
    """
    if max(mask.shape) < MIN_SIDE:
        return ink
    if not (_crosses(mask) or _crosses(mask.T)):
        return ink
    rows, columns = _find_level_lines(mask), _find_level_lines(mask.T)
    lines = rows.thin | columns.thin.T | (rows.filled & columns.filled.T)
    if not lines.any():
        return ink
    rest = np.count_nonzero(mask & ~lines)
    if rest < MIN_REST * np.count_nonzero(mask) and rows.number + columns.number == 1:
        return ink  # One straight stroke from edge to edge is a cropped 1.
    if rows.number + columns.number >= MIN_RULES:
        # If the lines are fainter than the pen, subtract their level from all ink. This clears
        # pieces of lines that were not found.
        faint = np.float32(np.percentile(ink[lines], 30))
        if faint < MAX_LINE_INK:
            ink = ((ink - faint).clip(0) / (1 - faint)).astype(np.float32)
    return np.where(lines, np.float32(0), ink)


def erase_level_lines(ink: Ink, mask: Mask) -> Ink:
    """Clear the lines from the left to the right edge, except where a stroke crosses them.

    Vertical lines stay, because in a tight strip (one line of writing) a 1 may reach from the upper
    to the lower edge.

    Args:
        ink: (height, width) float32 in 0..1.
        mask: (height, width), True where `ink` counts as ink.

    Returns:
        (height, width) float32 in 0..1: `ink` itself if it has no such lines.
    """
    if max(mask.shape) < MIN_SIDE:
        return ink
    lines = _find_level_lines(mask)
    rest = np.count_nonzero(mask & ~lines.thin)
    if not lines.number or rest < MIN_REST * np.count_nonzero(mask):
        return ink
    return np.where(lines.thin, np.float32(0), ink)


def _crosses(mask: Mask) -> bool:
    """Return True if there is ink near both ends of axis 1."""
    margin = 2 + int(MAX_MARGIN * mask.shape[1])
    return bool(mask[:, :margin].any() and mask[:, -margin:].any())


def _find_level_lines(mask: Mask) -> Lines:
    """Find the lines along axis 1."""
    thin, filled = np.zeros_like(mask), np.zeros_like(mask)
    if not _crosses(mask):
        return Lines(thin, filled, 0)
    height, width = mask.shape
    length = max(MIN_RUN, int(RUN * width))
    tall = _opening(mask, max(MIN_TALL, int(TALL * height)), axis=0)
    runs = _opening(mask, length, axis=1, outside=None) & ~tall
    # Join runs to one line across small steps, and across gaps where a stroke crosses the line.
    joined = _dilate(runs, max(MIN_RUN, int(MAX_GAP * width)), axis=1)
    lines = find_blobs(_dilate(joined, 3, axis=0), corners=False)
    pieces = lines.paint()
    margin = MAX_MARGIN * width + 1
    found = []
    for index, (top, left, bottom, right) in enumerate(lines.measure_boxes().tolist(), start=1):
        piece = np.s_[top:bottom, left:right]
        own_runs = runs[piece] & (pieces[piece] == index)
        reached = left + np.flatnonzero(own_runs.any(axis=0))
        crosses = reached[0] <= margin and reached[-1] >= width - 1 - margin
        is_long = reached[-1] - reached[0] >= MIN_SPAN * width
        touches_edge = reached[0] == 0 or reached[-1] == width - 1
        found.append((piece, own_runs, crosses, is_long, touches_edge))
    num_crossing = sum(crosses for _, _, crosses, _, _ in found)
    num_long = sum(is_long for _, _, _, is_long, _ in found)
    is_ruled = num_crossing >= MIN_CROSSING or num_long >= MIN_RULES
    number = 0
    for piece, own_runs, crosses, is_long, touches_edge in found:
        if crosses or (is_ruled and (is_long or touches_edge)):
            line = _dilate(own_runs, 3, axis=0) & mask[piece] & ~tall[piece]
            thin[piece] |= line
            filled[piece] |= _close(line, 2 * length + 1, axis=1) & mask[piece]
            number += 1
    return Lines(thin, filled, number)


def _dilate(mask: Mask, length: int, axis: int) -> Mask:
    return running_maximum(mask, length, axis, outside=0)


def _close(mask: Mask, length: int, axis: int) -> Mask:
    return running_minimum(_dilate(mask, length, axis), length, axis)


def _opening(mask: Mask, length: int, axis: int, outside: int | None = 0) -> Mask:
    """Keep the runs of at least `length` pixels along `axis`."""
    eroded = running_minimum(mask, length, axis, outside=outside)
    return running_maximum(eroded, length, axis, outside=0, before=(length - 1) // 2)
