"""Removal of rulings, frames and combs around handwritten numbers.

`imaging.ruled_lines` erases lines that cross the image in both directions, which would erase a row
of 1s in a tight strip. Here a vertical line is erased only as a part of a frame.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlflask.imaging.morphology.blobs import find_blobs
from dlflask.imaging.morphology.growth import grow
from dlflask.imaging.morphology.running import running_maximum, running_minimum
from dlflask.imaging.ruled_lines import erase_level_lines
from dlflask.types import Ink, Mask

#: Least ink of a printed line, and of a stroke.
LINE, STROKE = 0.1, 0.2

#: Two kinds of blobs may be frames: those wider than `WIDE` times their height, and those wider
#: than high whose sides exceed `LARGE` median heights. The ink of a frame covers at most
#: `MAX_FILL` of its box; touching digits cover more.
LARGE, WIDE, MAX_FILL = 1.3, 3.5, 0.3

#: Least length and largest thickness of a level line in a frame, in median heights.
MIN_LENGTH, MAX_THICKNESS = 1.1, 0.22

#: Least length of an upright line in a frame, as a part of the frame's height.
MIN_UPRIGHT = 0.85


def erase_rulings(ink: Ink) -> Ink:
    """Clear rulings that cross the image, and frames and combs around digits.

    Args:
        ink: (height, width) float32 in 0..1.

    Returns:
        (height, width) float32 in 0..1. Strokes keep the pixels in which they cross a line.
    """
    ink = erase_level_lines(ink, ink > LINE)
    mask = ink > STROKE
    found = find_blobs(mask)
    if not found.number:
        return ink
    blobs, boxes = found.paint(), found.measure_boxes()
    sizes = boxes[:, 2:] - boxes[:, :2]
    area = np.bincount(blobs.ravel())[1:]
    is_frame = _look_like_frames(sizes, area)
    if not is_frame.any():
        return ink
    height = _median_height(sizes, is_frame)
    lines = np.zeros_like(mask)
    for index in np.flatnonzero(is_frame):
        top, left, bottom, right = boxes[index]
        box = np.s_[top:bottom, left:right]
        lines[box] |= _find_frame(blobs[box] == index + 1, height)
    if not lines.any():
        return ink
    return np.where(grow(lines) & ~_across(mask, lines), 0, ink).astype(np.float32)


def _look_like_frames(sizes: NDArray[np.integer], area: NDArray[np.integer]) -> Mask:
    middle = float(np.median(sizes[:, 0])) if len(sizes) > 2 else 0.0
    heights, widths = sizes.T
    is_large = (heights > LARGE * middle) & (widths > LARGE * middle) & (widths > heights)
    is_frame: Mask = (is_large | (widths > WIDE * heights)) & (area <= MAX_FILL * heights * widths)
    return is_frame


def _median_height(sizes: NDArray[np.integer], is_frame: Mask) -> float:
    """Return the median height of the digits; if there are only frames, 0.7 of the highest."""
    others = sizes[~is_frame, 0]
    largest = float(sizes[is_frame, 0].max())
    others = others[others > 0.15 * largest]
    return float(np.median(others)) if len(others) else 0.7 * largest


def _find_frame(blob: Mask, height: float) -> Mask:
    """Return the pixels of a frame's lines: level lines, and upright lines between them."""
    level = _runs(blob, max(8, round(MIN_LENGTH * height)), axis=1)
    level &= ~_runs(blob, max(4, round(MAX_THICKNESS * height)), axis=0)
    if not level.any():
        return level
    rows = np.flatnonzero(level.any(axis=1))
    span = int(rows[-1] - rows[0])
    if span < 0.8 * height:  # one line, below or above the digits
        return level
    upright = _runs(blob, max(8, round(MIN_UPRIGHT * span)), axis=0)
    upright &= ~_runs(blob, max(4, round(MAX_THICKNESS * height)), axis=1)
    frame: Mask = level | upright
    return frame


def _across(mask: Mask, lines: Mask) -> Mask:
    """Return the ink of strokes that cross a line: they continue above and below it."""
    rest = mask & ~grow(lines)
    above, below = np.zeros_like(mask), np.zeros_like(mask)
    above[3:] |= rest[:-3]
    below[:-3] |= rest[3:]
    crossing: Mask = grow(above) & grow(below) & mask
    return crossing


def _runs(mask: Mask, length: int, axis: int) -> Mask:
    """Return the pixels in runs of at least `length` pixels along `axis`."""
    eroded = running_minimum(mask, length, axis, outside=0)
    return running_maximum(eroded, length, axis, outside=0, before=(length - 1) // 2)
