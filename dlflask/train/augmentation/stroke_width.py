"""Other stroke widths: for MNIST's own ink, and for any pen along a thinned line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Batch = NDArray[np.float32]

# Widths in tensor pixels, for a digit 20 pixels high. A one-pixel line in a drawing of 400 pixels
# becomes 0.1 wide, a felt pen 5, at which loops begin to close.
MIN_WIDTH, MAX_WIDTH = 0.5, 5.0

#: A pixel and its four neighbours, in each image of a batch.
_CROSS = np.array([[[0, 1, 0], [1, 1, 1], [0, 1, 0]]], bool)


def choose_widths(count: int, rng: np.random.Generator) -> Batch:
    """Return (count,) stroke widths, uniform on a logarithmic scale."""
    low, high = np.log(MIN_WIDTH), np.log(MAX_WIDTH)
    return np.exp(rng.uniform(low, high, count)).astype(np.float32)


def draw_strokes(distance: Batch, widths: Batch, rng: np.random.Generator) -> Batch:
    """Draw ink where a line is nearer than half the stroke's width.

    Args:
        distance: (N, 28, 28) float32, distance to the line in tensor pixels.
        widths: (N,) float32, in tensor pixels.
        rng: The only source of randomness. It sets how sharp the edges are.

    Returns:
        (N, 28, 28) float32 in 0..1.
    """
    edge = rng.uniform(0.7, 1.8, len(widths)).astype(np.float32)[:, None, None]
    # The nearest sample is up to half a field pixel away from the line itself.
    inside = widths[:, None, None] / 2 + np.float32(0.15) - distance
    ink: Batch = np.clip(inside / edge + np.float32(0.5), 0, 1)
    # `normalize` scales the darkest ink to 1, even for a very thin stroke.
    ink /= np.maximum(ink.max(axis=(1, 2), keepdims=True), np.float32(0.05))
    return ink


def change_stroke(batch: Batch, rng: np.random.Generator) -> Batch:
    """Make a quarter of the digits bolder and a quarter thinner, by up to about one pixel."""
    amount = rng.uniform(0.2, 1.0, len(batch)).astype(np.float32)
    order = rng.permutation(len(batch))
    bold, thin = order[: len(order) // 4], order[len(order) // 4 : len(order) // 2]
    result = batch.copy()
    for chosen, extreme, limit in (
        (bold, ndimage.grey_dilation, 1.0),
        (thin, ndimage.grey_erosion, 0.6),
    ):
        part = batch[chosen]
        change = np.float32(limit) * amount[chosen, None, None]
        changed = extreme(part, footprint=_CROSS, mode="constant")
        result[chosen] = part + change * (changed - part)
    return result
