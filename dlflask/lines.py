"""Ink in, ink without the printed lines of ruled or grid paper, forms and cheques out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dlflask.ink import Ink

Mask = NDArray[np.bool_]

#: Smaller pictures are cut-out digits, whose own bars may cross the whole picture.
MIN_SIDE = 40

#: A printed line goes from edge to edge, up to this part of the picture; a digit's bar does not.
MAX_MARGIN = 0.03

#: A line is followed in level runs of this part of the picture, so it may slope by about 5 degrees.
RUN = 0.1

#: Less than this part of the ink is no digit on ruled paper.
MIN_REST = 0.1

#: A line is at most this part of the picture thick.
MAX_THICKNESS = 0.07


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
    level, upright = _crosses(mask), _crosses(mask.T)
    if not (level or upright):
        return ink
    lines = np.zeros_like(mask)
    if level:
        lines |= _level_lines(mask)
    if upright:
        lines |= _level_lines(mask.T).T
    rest = np.count_nonzero(mask & ~lines)
    if rest < MIN_REST * np.count_nonzero(mask) and ndimage.label(lines)[1] == 1:
        return ink  # One straight stroke from edge to edge is a 1 that was cut out.
    return np.where(lines, np.float32(0), ink)


def _crosses(mask: Mask) -> bool:
    """Whether there is ink near both ends of axis 1."""
    margin = 2 + int(MAX_MARGIN * mask.shape[1])
    return bool(mask[:, :margin].any() and mask[:, -margin:].any())


def _level_lines(mask: Mask) -> Mask:
    """The lines that run along axis 1."""
    height, width = mask.shape
    length = max(5, int(RUN * width))
    runs = _opening(mask, length, axis=1)
    lines = np.zeros_like(mask)
    if not runs.any():
        return lines
    # Runs that meet at a step, or after a gap in a faint line, are one line.
    pieces, _ = ndimage.label(_dilate(_dilate(runs, length, axis=1), 3, axis=0))
    margin = MAX_MARGIN * width + 1
    for index, piece in enumerate(ndimage.find_objects(pieces), start=1):
        rows, columns = piece
        if columns.start > margin or columns.stop < width - margin:
            continue
        own = runs[piece] & (pieces[piece] == index)
        reached = np.flatnonzero(own.any(axis=0))
        thickness = own.sum() / width
        if (
            reached[0] > margin
            or reached[-1] < width - 1 - margin
            or thickness > MAX_THICKNESS * height
        ):
            continue
        tall = int(2 * thickness) + 3
        band = slice(max(0, rows.start - tall), rows.stop + tall), columns
        crossing = _opening(mask[band], tall, axis=0)[rows.start - band[0].start :][: len(own)]
        lines[piece] |= _dilate(own, 3, axis=0) & mask[piece] & ~crossing
    return lines


def _dilate(mask: Mask, length: int, axis: int) -> Mask:
    grown = ndimage.maximum_filter1d(mask.view(np.uint8), length, axis=axis, mode="constant")
    return grown.view(bool)


def _opening(mask: Mask, length: int, axis: int) -> Mask:
    """The runs of at least `length` along `axis`."""
    worn = ndimage.minimum_filter1d(mask.view(np.uint8), length, axis=axis, mode="nearest")
    origin = 0 if length % 2 else -1
    grown = ndimage.maximum_filter1d(worn, length, axis=axis, mode="constant", origin=origin)
    return grown.view(bool)
