"""Ink in, ink without the printed lines of ruled or grid paper, forms and cheques out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from dlflask.types import Ink, Mask

#: Smaller pictures are cut-out digits, whose own bars may cross the whole picture.
MIN_SIDE = 40

#: A printed line goes from edge to edge, up to this part of the picture; a digit's bar does not.
MAX_MARGIN = 0.03

#: A line is followed in level runs of this part of the picture, so it may slope by about 5 degrees.
RUN = 0.08

#: Shorter runs, in pixels, are found in any stroke.
MIN_RUN = 10

#: Pieces of a line may lie so far apart, as part of the picture, where a bold stroke crosses it.
MAX_GAP = 0.2

#: Less than this part of the ink is no digit on ruled paper.
MIN_REST = 0.1

#: So many parallel lines across this part of the picture are ruled paper, even where they fade
#: before its edge.
MIN_RULES, MIN_SPAN = 3, 0.7

#: So many lines from edge to edge are ruled paper too; their neighbours may be hidden by strokes.
MIN_CROSSING = 2

#: A line as dark as the pen is told by its form alone.
MAX_LINE_INK = 0.5

#: What goes further up and down than this part of the picture, and these pixels, is no line.
TALL, MIN_TALL = 0.04, 6


class Lines(NamedTuple):
    """Parallel lines: `thin` where nothing crosses them, `filled` with what crosses them."""

    thin: Mask
    filled: Mask
    number: int


def erase_lines(ink: Ink, mask: Mask) -> Ink:
    """Clear the lines that cross the picture, except where a stroke crosses them.

    Args:
        ink: (height, width) float32 in 0..1.
        mask: Where `ink` counts as ink.

    Returns:
        `ink` itself where there are no lines.
    """
    if max(mask.shape) < MIN_SIDE:
        return ink
    if not (_crosses(mask) or _crosses(mask.T)):
        return ink
    rows, columns = _find_level(mask), _find_level(mask.T)
    lines = rows.thin | columns.thin.T | (rows.filled & columns.filled.T)
    if not lines.any():
        return ink
    rest = np.count_nonzero(mask & ~lines)
    if rest < MIN_REST * np.count_nonzero(mask) and rows.number + columns.number == 1:
        return ink  # One straight stroke from edge to edge is a 1 that was cut out.
    if rows.number + columns.number >= MIN_RULES:
        # What is no darker than lines that are fainter than the pen is a piece of one.
        faint = np.float32(np.percentile(ink[lines], 30))
        if faint < MAX_LINE_INK:
            ink = ((ink - faint).clip(0) / (1 - faint)).astype(np.float32)
    return np.where(lines, np.float32(0), ink)


def _crosses(mask: Mask) -> bool:
    """Whether there is ink near both ends of axis 1."""
    margin = 2 + int(MAX_MARGIN * mask.shape[1])
    return bool(mask[:, :margin].any() and mask[:, -margin:].any())


def _find_level(mask: Mask) -> Lines:
    """Find the lines along axis 1."""
    thin, filled = np.zeros_like(mask), np.zeros_like(mask)
    if not _crosses(mask):
        return Lines(thin, filled, 0)
    height, width = mask.shape
    length = max(MIN_RUN, int(RUN * width))
    tall = _opening(mask, max(MIN_TALL, int(TALL * height)), axis=0)
    runs = _opening(mask, length, axis=1, mode="nearest") & ~tall
    # Runs that meet at a step, or after a gap where a stroke crosses, are one line.
    joined = _dilate(runs, max(MIN_RUN, int(MAX_GAP * width)), axis=1)
    pieces, _ = ndimage.label(_dilate(joined, 3, axis=0))
    margin = MAX_MARGIN * width + 1
    found = []
    for index, piece in enumerate(ndimage.find_objects(pieces), start=1):
        own = runs[piece] & (pieces[piece] == index)
        reached = piece[1].start + np.flatnonzero(own.any(axis=0))
        crosses = reached[0] <= margin and reached[-1] >= width - 1 - margin
        is_long = reached[-1] - reached[0] >= MIN_SPAN * width
        leaves = reached[0] == 0 or reached[-1] == width - 1
        found.append((piece, own, crosses, is_long, leaves))
    num_crossing = sum(crosses for _, _, crosses, _, _ in found)
    num_long = sum(is_long for _, _, _, is_long, _ in found)
    is_ruled = num_crossing >= MIN_CROSSING or num_long >= MIN_RULES
    number = 0
    for piece, own, crosses, is_long, leaves in found:
        if crosses or (is_ruled and (is_long or leaves)):
            line = _dilate(own, 3, axis=0) & mask[piece] & ~tall[piece]
            thin[piece] |= line
            filled[piece] |= _close(line, 2 * length + 1, axis=1) & mask[piece]
            number += 1
    return Lines(thin, filled, number)


def _dilate(mask: Mask, length: int, axis: int) -> Mask:
    grown = ndimage.maximum_filter1d(mask.view(np.uint8), length, axis=axis, mode="constant")
    dilated: Mask = grown.view(bool)
    return dilated


def _close(mask: Mask, length: int, axis: int) -> Mask:
    grown = _dilate(mask, length, axis)
    closed: Mask = ndimage.minimum_filter1d(grown.view(np.uint8), length, axis=axis).view(bool)
    return closed


def _opening(mask: Mask, length: int, axis: int, mode: str = "constant") -> Mask:
    """Keep the runs of at least `length` along `axis`."""
    worn = ndimage.minimum_filter1d(mask.view(np.uint8), length, axis=axis, mode=mode)
    origin = 0 if length % 2 else -1
    grown = ndimage.maximum_filter1d(worn, length, axis=axis, mode="constant", origin=origin)
    opened: Mask = grown.view(bool)
    return opened
