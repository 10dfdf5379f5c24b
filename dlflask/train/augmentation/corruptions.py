"""What scanners, screens, cameras and ruled paper do to a digit on its way to 28x28."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Batch = NDArray[np.float32]
Fault = Callable[[Batch, np.random.Generator], Batch]

SIZE = 28


def degrade(batch: Batch, rng: np.random.Generator) -> Batch:
    """Do to each tensor some of the `FAULTS`, and let its darkest ink be 1.

    Args:
        batch: (N, 28, 28) float32 in 0..1; it is changed in place.
        rng: The only source of randomness.

    Returns:
        `batch`.
    """
    for fault, share in FAULTS:
        chosen = np.flatnonzero(rng.random(len(batch)) < share)
        if len(chosen):
            batch[chosen] = fault(batch[chosen], rng)
    np.clip(batch, 0, 1, out=batch)
    batch /= np.maximum(batch.max(axis=(1, 2), keepdims=True), np.float32(0.05))
    return batch


def uneven_pressure(batch: Batch, rng: np.random.Generator) -> Batch:
    """Strokes that fade here and there: a pen running dry, a light shadow."""
    nodes = rng.uniform(0.25, 1.3, (len(batch), 4, 4)).astype(np.float32)
    return batch * np.minimum(1, _enlarge(nodes))


def blur(batch: Batch, rng: np.random.Generator) -> Batch:
    """A camera out of focus, a scan enlarged: 1-2-1 in both directions, in part."""
    amount = rng.uniform(0.2, 1.0, (len(batch), 1, 1)).astype(np.float32)
    return batch + amount * (_soften(batch) - batch)


def pixelate(batch: Batch, rng: np.random.Generator) -> Batch:
    """A picture of 9 to 18 pixels, enlarged; the whole share of a batch to one size."""
    weights = _resize(SIZE, int(rng.integers(9, 19)))
    back = _resize(weights.shape[0], SIZE)
    both = back @ weights
    return both @ batch @ both.T


def sharpen_edges(batch: Batch, rng: np.random.Generator) -> Batch:
    """Black and white only, as a paint program draws, or steeper contrast towards that."""
    level = rng.uniform(0.25, 0.6, (len(batch), 1, 1)).astype(np.float32)
    # From the slope that leaves paper at 0.
    slope = 0.5 / level + np.exp(rng.uniform(-2, 4, (len(batch), 1, 1))).astype(np.float32)
    return np.clip((batch - level) * slope + np.float32(0.5), 0, 1)


def fade(batch: Batch, rng: np.random.Generator) -> Batch:
    """A gamma: pencil, whose edges are lighter, or an overexposed felt pen."""
    gamma = np.exp(rng.uniform(-0.6, 0.6, (len(batch), 1, 1))).astype(np.float32)
    return np.clip(batch, 0, 1) ** gamma


def noise(batch: Batch, rng: np.random.Generator) -> Batch:
    """Grain and JPEG's ringing, which live near ink; `to_mnist` clears what is far from it."""
    strength = rng.uniform(0.02, 0.16, (len(batch), 1, 1)).astype(np.float32)
    grain = rng.standard_normal(batch.shape, np.float32) * strength
    near = np.minimum(1, 3 * _soften(_soften(batch)) + np.float32(0.1))
    return batch + grain * near


def specks(batch: Batch, rng: np.random.Generator) -> Batch:
    """One to four dots or short dashes of ink beside or on the digit."""
    for tensor in batch:
        for _ in range(rng.integers(1, 5)):
            row, column = rng.integers(1, SIZE - 4, 2)
            height, width = rng.integers(1, 4, 2)
            spot = tensor[row : row + height, column : column + width]
            np.maximum(spot, np.float32(rng.uniform(0.2, 1)), out=spot)
    return batch


def rulings(batch: Batch, rng: np.random.Generator) -> Batch:
    """What is left of a ruled or squared page, or of a cheque's frame: one or two lines."""
    for tensor in batch:
        for _ in range(rng.integers(1, 3)):
            view = tensor if rng.random() < 0.6 else tensor.T
            start, stop = sorted(rng.integers(2, SIZE - 2, 2))
            line = view[rng.integers(2, SIZE - 2), start : stop + 1]
            np.maximum(line, np.float32(rng.uniform(0.15, 0.8)), out=line)
    return batch


def gaps(batch: Batch, rng: np.random.Generator) -> Batch:
    """Strokes broken where a line was taken out or the pen skipped: one row or column fades."""
    for tensor in batch:
        view = tensor if rng.random() < 0.6 else tensor.T
        row, thickness = rng.integers(4, SIZE - 5), rng.integers(1, 3)
        view[row : row + thickness] *= np.float32(rng.uniform(0, 0.5))
    return batch


def cut_edge(batch: Batch, rng: np.random.Generator) -> Batch:
    """A picture cropped into the digit: up to 3 of its outer rows or columns are missing."""
    for tensor in batch:
        turned = np.rot90(tensor, int(rng.integers(4)))
        inked = np.flatnonzero(turned.max(axis=1) > 0.2)
        if len(inked):
            turned[: inked[0] + int(rng.integers(1, 4))] = 0
    return batch


def strengthen(batch: Batch, rng: np.random.Generator) -> Batch:  # noqa: ARG001  as all faults
    """Raise faint strokes to the level of MNIST's, as `to_mnist` does."""
    batch = np.clip(batch, 0, 1)
    level = (batch * batch).sum(axis=(1, 2)) / np.maximum(batch.sum(axis=(1, 2)), np.float32(1e-3))
    gain = np.maximum(1, np.float32(0.8) / np.maximum(level, np.float32(0.05)))
    return batch * gain[:, None, None]


#: In this order, and the share of a batch that each touches.
FAULTS: tuple[tuple[Fault, float], ...] = (
    (uneven_pressure, 0.10),
    (cut_edge, 0.03),
    (gaps, 0.03),
    (rulings, 0.03),
    (specks, 0.04),
    (pixelate, 0.08),
    (blur, 0.25),
    (fade, 0.25),
    (sharpen_edges, 0.20),
    (noise, 0.15),
    (strengthen, 0.70),
)


def _soften(batch: Batch) -> Batch:
    padded = np.pad(batch, ((0, 0), (1, 1), (1, 1)))
    rows = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) * np.float32(0.25)
    result: Batch = (rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) * np.float32(0.25)
    return result


def _enlarge(nodes: Batch) -> Batch:
    weights = _resize(nodes.shape[1], SIZE)
    return np.asarray(weights @ nodes @ weights.T, np.float32)


def _resize(source: int, target: int) -> NDArray[np.float32]:
    """(target, source) weights: areas when shrinking, linear interpolation when enlarging."""
    span = max(1.0, source / target)
    centres = (np.arange(target) + 0.5) * source / target - 0.5
    distance = np.abs(np.clip(centres, 0, source - 1)[:, None] - np.arange(source))
    weights = np.clip((span + 1) / 2 - distance, 0, 1)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray(weights, np.float32)
