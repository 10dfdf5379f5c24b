"""A batch of MNIST digits in, the same digits as other hands, pens and cameras make them out.

Every operation works on the whole batch at once, so that augmentation costs less than the
training step it feeds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Batch = NDArray[np.float32]

SIZE = 28
_CENTRE = (SIZE - 1) / 2

# Ranges a digit may be changed by and still be read by a person as the same digit; beyond about
# 25 degrees a 6 leans into a 0, a 1 into a 7.
MAX_ROTATION_DEGREES = 18.0
MAX_SHEAR = 0.30
MAX_LOG_SCALE = 0.18
MAX_SHIFT_PIXELS = 2.0
MAX_ELASTIC_PIXELS = 1.6
#: Nodes of the coarse grid that the elastic displacement is interpolated from.
ELASTIC_NODES = 5


def augment(batch: Batch, rng: np.random.Generator) -> Batch:
    """Warp, thicken or thin, blur and add noise.

    Args:
        batch: (N, 28, 28) float32 in 0..1, ink = 1.
        rng: The only source of randomness: the same state gives the same batch.

    Returns:
        (N, 28, 28) float32 in 0..1.
    """
    warped = warp(batch, rng)
    stroked = change_stroke(warped, rng)
    return finish(stroked, rng)


def warp(batch: Batch, rng: np.random.Generator) -> Batch:
    """Turn, shear, scale, shift and bend each digit, in one bilinear resampling.

    Source: Simard, Steinkraus, Platt, Best Practices for Convolutional Neural Networks Applied to
    Visual Document Analysis, ICDAR 2003 (elastic distortion).
    """
    num_images = len(batch)
    angle = np.radians(rng.uniform(-MAX_ROTATION_DEGREES, MAX_ROTATION_DEGREES, num_images))
    shear = rng.uniform(-MAX_SHEAR, MAX_SHEAR, num_images)
    scale = np.exp(rng.uniform(-MAX_LOG_SCALE, MAX_LOG_SCALE, (2, num_images)))
    shift = rng.uniform(-MAX_SHIFT_PIXELS, MAX_SHIFT_PIXELS, (2, num_images))
    cos, sin = np.cos(angle), np.sin(angle)
    # Rows of the inverse map (output pixel -> input pixel), each (N, 1, 1).
    a, b = (cos / scale[0])[:, None, None], ((shear * cos - sin) / scale[0])[:, None, None]
    c, d = (sin / scale[1])[:, None, None], ((shear * sin + cos) / scale[1])[:, None, None]
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) - np.float32(_CENTRE)
    bend = _elastic(num_images, rng)
    source_y = c * x + d * y + _CENTRE + shift[0][:, None, None] + bend[0]
    source_x = a * x + b * y + _CENTRE + shift[1][:, None, None] + bend[1]
    return _sample(batch, source_y.astype(np.float32), source_x.astype(np.float32))


def _elastic(num_images: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth displacement in pixels, (2, N, 28, 28): a coarse random grid, interpolated."""
    strength = rng.uniform(0, MAX_ELASTIC_PIXELS, (1, num_images, 1, 1))
    nodes = rng.standard_normal((2, num_images, ELASTIC_NODES, ELASTIC_NODES)) * strength
    spread = _hat_weights(ELASTIC_NODES)  # (28, nodes)
    bend = spread @ nodes.astype(np.float32) @ spread.T
    return bend.astype(np.float32)


def _hat_weights(num_nodes: int) -> NDArray[np.float32]:
    position = np.linspace(0, num_nodes - 1, SIZE)[:, None]
    distance = np.abs(position - np.arange(num_nodes))
    weights: NDArray[np.float32] = np.maximum(0, 1 - distance).astype(np.float32)
    return weights


def _sample(batch: Batch, source_y: Batch, source_x: Batch) -> Batch:
    """Bilinear samples of each image at its own coordinates; outside is paper."""
    padded = np.pad(batch, ((0, 0), (1, 2), (1, 2)))
    side = padded.shape[1]
    y = np.clip(source_y + 1, 0, side - 2.001)
    x = np.clip(source_x + 1, 0, side - 2.001)
    top, left = y.astype(np.int32), x.astype(np.int32)
    wy, wx = y - top, x - left
    flat = padded.reshape(-1)
    start = (np.arange(len(batch), dtype=np.int32) * side * side)[:, None, None]
    index = start + top * side + left
    upper = flat[index] * (1 - wx) + flat[index + 1] * wx
    lower = flat[index + side] * (1 - wx) + flat[index + side + 1] * wx
    return upper * (1 - wy) + lower * wy


def change_stroke(batch: Batch, rng: np.random.Generator) -> Batch:
    """Make a third of the digits bolder and a third thinner, by up to about one pixel."""
    amount = rng.uniform(0.2, 1.0, len(batch)).astype(np.float32)[:, None, None]
    choice = rng.random(len(batch))[:, None, None]
    bolder = batch + amount * (_extreme(batch, np.maximum) - batch)
    thinner = batch + 0.6 * amount * (_extreme(batch, np.minimum) - batch)
    return np.where(choice < 1 / 3, bolder, np.where(choice < 2 / 3, thinner, batch))


def _extreme(batch: Batch, pick: np.ufunc) -> Batch:
    """Largest or smallest of each pixel and its four neighbours."""
    padded = np.pad(batch, ((0, 0), (1, 1), (1, 1)))
    vertical = pick(padded[:, :-2, 1:-1], padded[:, 2:, 1:-1])
    horizontal = pick(padded[:, 1:-1, :-2], padded[:, 1:-1, 2:])
    result: Batch = pick(pick(vertical, horizontal), batch)
    return result


def finish(batch: Batch, rng: np.random.Generator) -> Batch:
    """Blur, contrast and noise of a camera, on half of the digits each."""
    num_images = len(batch)
    blur = (rng.uniform(0, 0.5, num_images) * (rng.random(num_images) < 0.5))[:, None, None]
    padded = np.pad(batch, ((0, 0), (1, 1), (1, 1)))
    vertical = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4
    soft = (vertical[:, :, :-2] + 2 * vertical[:, :, 1:-1] + vertical[:, :, 2:]) / 4
    mixed = batch + blur * (soft - batch)
    gain = rng.uniform(0.7, 1.3, num_images)[:, None, None]
    noise = rng.standard_normal(batch.shape) * rng.uniform(0, 0.06, num_images)[:, None, None]
    return np.clip(mixed * gain + noise, 0, 1).astype(np.float32)
