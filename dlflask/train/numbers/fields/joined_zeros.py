"""Drawing of zeros that are joined to each other, as in the last digits of a price."""

from __future__ import annotations

import numpy as np

from dlflask.train.synthesis.skeletonize import Fields, distance_fields
from dlflask.train.synthesis.stroke_drawing import Figure, draw, smooth

#: Numbers of zeros that are written without lifting the pen.
COUNTS = (2, 3)

#: Number of written points of one zero.
_POINTS = 9


def draw_joined_zeros(count: int, size: int, seed: int) -> Fields:
    """Draw `count` joined zeros `size` times. Return (size, 56, 56) distance fields."""
    rng = np.random.default_rng((seed, count))
    return distance_fields(np.array([draw(_join_zeros(count, rng)) for _ in range(size)]))


def _join_zeros(count: int, rng: np.random.Generator) -> Figure:
    """Return one curve that turns counterclockwise around the middle of each zero."""
    pitch, lean = rng.uniform(0.95, 1.5), rng.normal(0, 0.1)
    tall = rng.uniform(1.0, 1.9)
    zeros = []
    for middle in np.arange(count) * 2 * pitch:
        start, turns = np.radians(rng.uniform(30, 130)), rng.uniform(0.9, 1.25)
        angles = start + np.linspace(0, 2 * np.pi * turns, _POINTS)
        x, y = np.cos(angles), -np.sin(angles) * tall * rng.uniform(0.75, 1.15)
        points = np.stack([middle + x * rng.uniform(0.75, 1.1) - lean * y, y], axis=1)
        zeros.append(points + rng.normal(0, 0.06, points.shape))
    return [smooth(np.concatenate(zeros))]
