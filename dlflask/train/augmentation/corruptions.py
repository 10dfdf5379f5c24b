"""Corruptions: the damage that scanners, screens, cameras and ruled paper do to a digit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dlflask.imaging.resize import resize, weights

Batch = NDArray[np.float32]
Corruption = Callable[[Batch, np.random.Generator], Batch]

#: Side of a tensor, the image that the network receives, in pixels.
SIZE = 28


def corrupt(batch: Batch, rng: np.random.Generator) -> Batch:
    """Apply each of `CORRUPTIONS` to a random share of the batch, then scale the ink.

    The darkest ink of each image becomes 1.

    Args:
        batch: (N, 28, 28) float32 in 0..1. It is changed in place.
        rng: The only source of randomness.

    Returns:
        The same array, `batch`.
    """
    for corruption, share in CORRUPTIONS:
        chosen = np.flatnonzero(rng.random(len(batch)) < share)
        if len(chosen):
            batch[chosen] = corruption(batch[chosen], rng)
    np.clip(batch, 0, 1, out=batch)
    batch /= np.maximum(batch.max(axis=(1, 2), keepdims=True), np.float32(0.05))
    return batch


def uneven_pressure(batch: Batch, rng: np.random.Generator) -> Batch:
    """Fade parts of the strokes, as a pen that runs dry or a light shadow does."""
    nodes = rng.uniform(0.25, 1.3, (len(batch), 4, 4)).astype(np.float32)
    return batch * np.minimum(1, resize(nodes, SIZE, SIZE, clamp=True))


def blur(batch: Batch, rng: np.random.Generator) -> Batch:
    """Blur the images, as a camera that is out of focus or an enlarged scan does."""
    amount = rng.uniform(0.2, 1.0, (len(batch), 1, 1)).astype(np.float32)
    return batch + amount * (_soften(batch) - batch)


def pixelate(batch: Batch, rng: np.random.Generator) -> Batch:
    """Reduce all images to the same random side of 9 to 18 pixels, and enlarge them again."""
    small = int(rng.integers(9, 19))
    both = weights(small, SIZE, clamp=True) @ weights(SIZE, small)
    return both @ batch @ both.T


def sharpen_edges(batch: Batch, rng: np.random.Generator) -> Batch:
    """Increase the contrast at edges, up to the pure black and white of a paint program."""
    level = rng.uniform(0.25, 0.6, (len(batch), 1, 1)).astype(np.float32)
    # A slope of at least 0.5 / level keeps the paper at 0.
    slope = 0.5 / level + np.exp(rng.uniform(-2, 4, (len(batch), 1, 1))).astype(np.float32)
    return np.clip((batch - level) * slope + np.float32(0.5), 0, 1)


def fade(batch: Batch, rng: np.random.Generator) -> Batch:
    """Apply a gamma curve: it makes grey pixels lighter, as a pencil does, or darker."""
    gamma = np.exp(rng.uniform(-0.6, 0.6, (len(batch), 1, 1))).astype(np.float32)
    return np.clip(batch, 0, 1) ** gamma


def noise(batch: Batch, rng: np.random.Generator) -> Batch:
    """Add noise near the ink, as camera sensors and JPEG do.

    Far from the ink, noise would be useless, because `normalize` removes it from users' digits.
    """
    strength = rng.uniform(0.02, 0.16, (len(batch), 1, 1)).astype(np.float32)
    grain = rng.standard_normal(batch.shape, np.float32) * strength
    near = np.minimum(1, 3 * _soften(_soften(batch)) + np.float32(0.1))
    return batch + grain * near


def specks(batch: Batch, rng: np.random.Generator) -> Batch:
    """Add one to four dots or short dashes of ink beside or on the digit."""
    for tensor in batch:
        for _ in range(rng.integers(1, 5)):
            row, column = rng.integers(1, SIZE - 4, 2)
            height, width = rng.integers(1, 4, 2)
            spot = tensor[row : row + height, column : column + width]
            np.maximum(spot, np.float32(rng.uniform(0.2, 1)), out=spot)
    return batch


def rulings(batch: Batch, rng: np.random.Generator) -> Batch:
    """Add one or two straight lines, such as remains of ruled paper or of a cheque's frame."""
    for tensor in batch:
        for _ in range(rng.integers(1, 3)):
            view = tensor if rng.random() < 0.6 else tensor.T
            start, stop = sorted(rng.integers(2, SIZE - 2, 2))
            line = view[rng.integers(2, SIZE - 2), start : stop + 1]
            np.maximum(line, np.float32(rng.uniform(0.15, 0.8)), out=line)
    return batch


def gaps(batch: Batch, rng: np.random.Generator) -> Batch:
    """Fade one or two rows or columns, as if the pen skipped or a ruled line was removed."""
    for tensor in batch:
        view = tensor if rng.random() < 0.6 else tensor.T
        row, thickness = rng.integers(4, SIZE - 5), rng.integers(1, 3)
        view[row : row + thickness] *= np.float32(rng.uniform(0, 0.5))
    return batch


def cut_edge(batch: Batch, rng: np.random.Generator) -> Batch:
    """Remove one to three rows or columns at one side of the digit, as a tight crop does."""
    for tensor in batch:
        turned = np.rot90(tensor, int(rng.integers(4)))
        inked = np.flatnonzero(turned.max(axis=1) > 0.2)
        if len(inked):
            turned[: inked[0] + int(rng.integers(1, 4))] = 0
    return batch


def boost_contrast(batch: Batch, rng: np.random.Generator) -> Batch:  # noqa: ARG001  a `Corruption` takes it
    """Make faint strokes as dark as MNIST's strokes, as `normalize` does."""
    batch = np.clip(batch, 0, 1)
    level = (batch * batch).sum(axis=(1, 2)) / np.maximum(batch.sum(axis=(1, 2)), np.float32(1e-3))
    gain = np.maximum(1, np.float32(0.8) / np.maximum(level, np.float32(0.05)))
    return batch * gain[:, None, None]


#: Corruptions in the order in which they are applied, each with its share of the images.
CORRUPTIONS: tuple[tuple[Corruption, float], ...] = (
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
    (boost_contrast, 0.70),
)


def _soften(batch: Batch) -> Batch:
    """Average each pixel with its neighbours, with the weights 1, 2, 1 in both directions."""
    # Use NumPy only, because SciPy's convolutions round float32 differently, which would change the
    # training images.
    padded = np.pad(batch, ((0, 0), (1, 1), (1, 1)))
    rows = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) * np.float32(0.25)
    result: Batch = (rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) * np.float32(0.25)
    return result
