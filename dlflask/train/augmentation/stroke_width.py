"""Random stroke widths, by changing MNIST's own ink or by drawing along the lines of digits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Batch = NDArray[np.float32]

#: Minimum and maximum width of strokes in tensor pixels, for a digit that is 20 pixels high. A felt
#: pen makes strokes of 5 pixels. With wider strokes, the loops of a digit would close.
MIN_WIDTH, MAX_WIDTH = 0.5, 5.0

#: Footprint of a filter: a pixel and its four neighbours in the same image of a batch.
_CROSS = np.array([[[0, 1, 0], [1, 1, 1], [0, 1, 0]]], bool)


def choose_widths(count: int, rng: np.random.Generator) -> Batch:
    """Return (count,) random stroke widths, uniform on a logarithmic scale."""
    low, high = np.log(MIN_WIDTH), np.log(MAX_WIDTH)
    return np.exp(rng.uniform(low, high, count)).astype(np.float32)


def draw_strokes(distance: Batch, widths: Batch, rng: np.random.Generator) -> Batch:
    """Draw ink on all pixels that are nearer to the line than half the width of the stroke.

    Args:
        distance: (N, 28, 28) float32, distance of each pixel from the line, in tensor pixels.
        widths: (N,) float32, in tensor pixels.
        rng: The only source of randomness. It decides how sharp the edges are.

    Returns:
        (N, 28, 28) float32 in 0..1.
    """
    edge = rng.uniform(0.7, 1.8, len(widths)).astype(np.float32)[:, None, None]
    # Add 0.15, because the line passes between the pixels of the distance field: even the pixel
    # nearest to the line can be up to half a pixel away from it.
    inside = widths[:, None, None] / 2 + np.float32(0.15) - distance
    ink: Batch = np.clip(inside / edge + np.float32(0.5), 0, 1)
    # Scale the darkest ink to 1, because `normalize` does so too. Ink below 0.05 is scaled less.
    ink /= np.maximum(ink.max(axis=(1, 2), keepdims=True), np.float32(0.05))
    return ink


def change_stroke(batch: Batch, rng: np.random.Generator) -> Batch:
    """Make a quarter of the digits bolder and a quarter thinner, by up to about one pixel."""
    amount = rng.uniform(0.2, 1.0, len(batch)).astype(np.float32)
    order = rng.permutation(len(batch))
    bold, thin = order[: len(order) // 4], order[len(order) // 4 : len(order) // 2]
    result = batch.copy()
    for chosen, change_width, limit in (
        (bold, ndimage.grey_dilation, 1.0),
        (thin, ndimage.grey_erosion, 0.6),
    ):
        part = batch[chosen]
        change = np.float32(limit) * amount[chosen, None, None]
        changed = change_width(part, footprint=_CROSS, mode="constant")
        result[chosen] = part + change * (changed - part)
    return result
