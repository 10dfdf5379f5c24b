"""A picture in, the same at another size out: areas averaged, or neighbours interpolated."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]


def resize(plane: Plane, height: int, width: int, *, clamp: bool = False) -> Plane:
    """Scale to `height` x `width`.

    Two matrix products: for pictures of a few hundred pixels that is quicker than
    `scipy.ndimage.zoom` (0.05 against 0.7 ms for 32x32 to 200x200), which samples points and
    would lose thin strokes when it shrinks.

    Args:
        plane: (..., H, W) float32.
        height: Of the result, in pixels.
        width: Of the result, in pixels.
        clamp: When enlarging, repeat the outermost pixels instead of continuing their slope.

    Returns:
        (..., height, width) float32.
    """
    rows = weights(plane.shape[-2], height, clamp=clamp)
    columns = weights(plane.shape[-1], width, clamp=clamp)
    resized: Plane = np.matmul(rows @ plane, columns.T, dtype=np.float32)
    return resized


@lru_cache(maxsize=256)
def weights(source: int, target: int, *, clamp: bool = False) -> Plane:
    """Return the (target, source) share of each source pixel in each target pixel."""
    centres = (np.arange(target)[:, None] + 0.5) * source / target - 0.5
    pixels = np.arange(source)
    if target <= source:  # The part of each source pixel that the target pixel covers.
        span = source / target
        covered = np.clip((span + 1) / 2 - np.abs(centres - pixels), 0, 1)
        averaged: Plane = (covered / span).astype(np.float32)
        return averaged
    if source == 1:
        return np.ones((target, 1), np.float32)
    if clamp:
        centres = np.clip(centres, 0, source - 1)
    # Beyond the outermost centres the slope goes on, as light does.
    left = np.clip(np.floor(centres), 0, source - 2)
    right_share = centres - left
    interpolated = (pixels == left) * (1 - right_share) + (pixels == left + 1) * right_share
    return interpolated.astype(np.float32)
