"""The stroke: other pens on MNIST's own ink, and any pen along a thinned line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Batch = NDArray[np.float32]

# Widths in tensor pixels, of a digit 20 pixels high: a one-pixel line in a drawing 400 pixels high
# comes down to 0.1; a felt pen comes to 5, where loops begin to close.
MIN_WIDTH, MAX_WIDTH = 0.5, 5.0


def choose_widths(count: int, rng: np.random.Generator) -> Batch:
    """(count,) widths, thin ones as often as thick ones: evenly spread on a log scale."""
    low, high = np.log(MIN_WIDTH), np.log(MAX_WIDTH)
    return np.exp(rng.uniform(low, high, count)).astype(np.float32)


def draw_strokes(distance: Batch, widths: Batch, rng: np.random.Generator) -> Batch:
    """Ink where a line is nearer than half the pen's width.

    Args:
        distance: (N, 28, 28) float32, to the line, in tensor pixels.
        widths: (N,) float32, in tensor pixels.
        rng: The only source of randomness: edges range from sharp to those of a camera.

    Returns:
        (N, 28, 28) float32 in 0..1.
    """
    edge = rng.uniform(0.7, 1.8, len(widths)).astype(np.float32)[:, None, None]
    # The line itself lies up to half a field pixel off the nearest sample.
    inside = widths[:, None, None] / 2 + np.float32(0.15) - distance
    ink: Batch = np.clip(inside / edge + np.float32(0.5), 0, 1)
    # However thin the pen, `to_mnist` lets the darkest ink be 1.
    ink /= np.maximum(ink.max(axis=(1, 2), keepdims=True), np.float32(0.05))
    return ink


def change_stroke(batch: Batch, rng: np.random.Generator) -> Batch:
    """Make a quarter of the digits bolder and a quarter thinner, by up to about one pixel."""
    amount = rng.uniform(0.2, 1.0, len(batch)).astype(np.float32)
    order = rng.permutation(len(batch))
    bold, fine = order[: len(order) // 4], order[len(order) // 4 : len(order) // 2]
    result = batch.copy()
    for chosen, pick, limit in ((bold, np.maximum, 1.0), (fine, np.minimum, 0.6)):
        part = batch[chosen]
        change = np.float32(limit) * amount[chosen, None, None]
        result[chosen] = part + change * (_extreme(part, pick) - part)
    return result


def _extreme(batch: Batch, pick: np.ufunc) -> Batch:
    """Largest or smallest of each pixel and its four neighbours."""
    padded = np.pad(batch, ((0, 0), (1, 1), (1, 1)))
    vertical = pick(padded[:, :-2, 1:-1], padded[:, 2:, 1:-1])
    horizontal = pick(padded[:, 1:-1, :-2], padded[:, 1:-1, 2:])
    result: Batch = pick(pick(vertical, horizontal), batch)
    return result
