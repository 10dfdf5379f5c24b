"""Removal of rulings, frames and combs (rows of joined boxes) around handwritten numbers.

`imaging.ruled_lines` erases horizontal and vertical lines that cross the image. If an image is
cropped closely, each digit 1 crosses the image from top to bottom and would be erased too.
Therefore this module erases a vertical line only if the line is a part of a frame.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlflask.imaging.morphology.growth import grow
from dlflask.imaging.morphology.running import running_maximum, running_minimum
from dlflask.imaging.ruled_lines import erase_horizontal_lines
from dlflask.numbers.lines.page_blobs import InkBlobs
from dlflask.types import Ink, Mask

#: A pixel with more ink than `LINE` may belong to a printed line.
LINE = 0.1

#: A blob (connected ink) may be a frame if its width exceeds `WIDE` times its height, or if it is
#: wider than high and both sides exceed `LARGE` times the median height of all blobs. In addition,
#: its ink must cover at most `MAX_FILL` of its box, because touching digits cover more.
LARGE, WIDE, MAX_FILL = 1.3, 3.5, 0.3

#: Minimum length of a frame's horizontal lines, and maximum thickness of all lines of a frame, as
#: multiples of the median height of the digits.
MIN_LENGTH, MAX_THICKNESS = 1.1, 0.22

#: Minimum length of a vertical line in a frame, as a fraction of the distance between the highest
#: and the lowest horizontal line.
MIN_UPRIGHT = 0.85


def erase_rulings(ink: Ink) -> InkBlobs:
    """Clear horizontal rulings that cross the image, and frames and combs around digits.

    Args:
        ink: (height, width) float32 in 0..1.

    Returns:
        The remaining ink and its blobs. Strokes keep the pixels in which they cross a line.
    """
    found = InkBlobs.find(erase_horizontal_lines(ink, ink > LINE))
    boxes = found.blobs.measure_boxes()
    sizes = boxes[:, 2:] - boxes[:, :2]
    is_frame = _look_like_frames(sizes, found.blobs.measure_areas())
    if not is_frame.any():
        return found
    blobs, mask = found.blobs.paint(), found.mask
    height = _median_height(sizes, is_frame)
    lines = np.zeros_like(mask)
    for index in np.flatnonzero(is_frame):
        top, left, bottom, right = boxes[index]
        box = np.s_[top:bottom, left:right]
        lines[box] |= _find_frame(blobs[box] == index + 1, height)
    if not lines.any():
        return found
    is_erased = grow(lines) & ~_find_crossings(mask, lines)
    return InkBlobs.find(np.where(is_erased, np.float32(0), found.ink))


def _look_like_frames(sizes: NDArray[np.integer], area: NDArray[np.integer]) -> Mask:
    """Return True for each blob that may be a frame."""
    median = float(np.median(sizes[:, 0])) if len(sizes) > 2 else 0.0
    heights, widths = sizes.T
    is_large = (heights > LARGE * median) & (widths > LARGE * median) & (widths > heights)
    is_frame: Mask = (is_large | (widths > WIDE * heights)) & (area <= MAX_FILL * heights * widths)
    return is_frame


def _median_height(sizes: NDArray[np.integer], is_frame: Mask) -> float:
    """Return the median height of the digits.

    If there are only frames and low blobs, return an estimate: 0.7 of the highest frame's height.
    """
    heights = sizes[~is_frame, 0]
    highest_frame = float(sizes[is_frame, 0].max())
    heights = heights[heights > 0.15 * highest_frame]
    return float(np.median(heights)) if len(heights) else 0.7 * highest_frame


def _find_frame(blob: Mask, height: float) -> Mask:
    """Return the pixels of a frame's horizontal lines and of the vertical lines between them.

    Args:
        blob: Pixels of a blob that may be a frame.
        height: Median height of the digits.
    """
    horizontal = _runs(blob, max(8, round(MIN_LENGTH * height)), axis=1)
    horizontal &= ~_runs(blob, max(4, round(MAX_THICKNESS * height)), axis=0)
    if not horizontal.any():
        return horizontal
    rows = np.flatnonzero(horizontal.any(axis=1))
    span = int(rows[-1] - rows[0])
    if span < 0.8 * height:  # This is a single line below or above the digits.
        return horizontal
    vertical = _runs(blob, max(8, round(MIN_UPRIGHT * span)), axis=0)
    vertical &= ~_runs(blob, max(4, round(MAX_THICKNESS * height)), axis=1)
    frame: Mask = horizontal | vertical
    return frame


def _find_crossings(mask: Mask, lines: Mask) -> Mask:
    """Return the pixels in which strokes cross a line, with ink both above and below the line."""
    rest = mask & ~grow(lines)
    above, below = np.zeros_like(mask), np.zeros_like(mask)
    above[3:] |= rest[:-3]
    below[:-3] |= rest[3:]
    crossing: Mask = grow(above) & grow(below) & mask
    return crossing


def _runs(mask: Mask, length: int, axis: int) -> Mask:
    """Return the pixels that belong to runs of at least `length` pixels along `axis`."""
    eroded = running_minimum(mask, length, axis, outside=0)
    return running_maximum(eroded, length, axis, outside=0, before=(length - 1) // 2)
