"""Masks of ink in, distance fields out: the line a pen followed, to be drawn again by any pen.

A digit's mask is thinned to its middle line, and the line is kept as the distance of every pixel
to it. Such a field bends smoothly, and cutting it at half a pen's width draws the stroke of that
pen, from a hair line to a felt pen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Masks = NDArray[np.bool_]
Fields = NDArray[np.uint8]

#: Fields are twice as fine as tensors, so that the middle line is known to a quarter of a pixel.
FIELD_SIZE = 56
#: Distances are clipped here, in field pixels: the widest pen is 8 tensor pixels.
MAX_DISTANCE = 10
#: Field values per field pixel of distance, to fit a byte.
UNITS = 25

#: Masks worked on together: more fall out of the processor's cache.
_CHUNK = 256
#: (row, column) of the neighbours P2..P9 of Zhang and Suen, clockwise from north.
_NEIGHBOURS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))


def enlarge(images: NDArray[np.uint8]) -> Masks:
    """(N, 28, 28) uint8 ink to (N, 56, 56) masks, interpolated, cut at the middle grey."""
    weights = np.zeros((FIELD_SIZE, FIELD_SIZE // 2), np.float32)
    position = np.clip((np.arange(FIELD_SIZE) - 0.5) / 2, 0, FIELD_SIZE // 2 - 1)
    distance = np.abs(position[:, None] - np.arange(FIELD_SIZE // 2))
    weights[:] = np.maximum(0, 1 - distance)
    masks = np.empty((len(images), FIELD_SIZE, FIELD_SIZE), bool)
    for start in range(0, len(images), _CHUNK):
        part = np.s_[start : start + _CHUNK]
        masks[part] = weights @ images[part].astype(np.float32) @ weights.T > 110
    return masks


def thin(masks: Masks) -> Masks:
    """Thin (N, height, width) masks to lines one pixel wide.

    Source: T. Y. Zhang, C. Y. Suen, A Fast Parallel Algorithm for Thinning Digital Patterns,
    Communications of the ACM 27 (1984).
    """
    parts = [_thin(masks[at : at + _CHUNK]) for at in range(0, len(masks), _CHUNK)]
    return np.concatenate(parts) if parts else masks


def _thin(masks: Masks) -> Masks:
    lines = np.pad(masks, ((0, 0), (1, 1), (1, 1))).astype(np.uint8)
    inner = lines[:, 1:-1, 1:-1]
    changed = True
    while changed:
        changed = False
        for table in _TABLES:
            code = np.zeros(inner.shape, np.uint8)
            for bit, (row, column) in enumerate(_NEIGHBOURS):
                code |= _shifted(lines, row, column) << np.uint8(bit)
            removed = table[code] & inner
            changed |= bool(removed.any())
            inner -= removed
    return inner.astype(bool)


def _shifted(padded: NDArray[np.uint8], row: int, column: int) -> NDArray[np.uint8]:
    height, width = padded.shape[1:]
    return padded[:, 1 + row : height - 1 + row, 1 + column : width - 1 + column]


def _removal_tables() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """For both sub-iterations: whether a pixel goes, by the 8-bit code of its neighbours."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1  # (256, 8): P2..P9
    count = bits.sum(axis=1)
    turns = ((bits == 0) & (np.roll(bits, -1, axis=1) == 1)).sum(axis=1)
    p2, p4, p6, p8 = bits[:, 0], bits[:, 2], bits[:, 4], bits[:, 6]
    edge = (count >= 2) & (count <= 6) & (turns == 1)
    first = edge & (p2 * p4 * p6 == 0) & (p4 * p6 * p8 == 0)
    second = edge & (p2 * p4 * p8 == 0) & (p2 * p6 * p8 == 0)
    return first.astype(np.uint8), second.astype(np.uint8)


_TABLES = _removal_tables()


def distance_fields(masks: Masks) -> Fields:
    """(N, 56, 56) distance to the nearest ink of each mask, in 1/`UNITS` field pixels, clipped.

    Source: P. Felzenszwalb, D. Huttenlocher, Distance Transforms of Sampled Functions, 2012: the
    squared distance is found along rows, then along columns.
    """
    parts = [_distance_fields(masks[at : at + _CHUNK]) for at in range(0, len(masks), _CHUNK)]
    return np.concatenate(parts) if parts else np.zeros(masks.shape, np.uint8)


def _distance_fields(masks: Masks) -> Fields:
    far = np.int16(MAX_DISTANCE**2)
    squared = np.where(masks, np.int16(0), far)
    for axis in (1, 2):
        nearest = squared.copy()
        moved = np.moveaxis(squared, axis, 0)
        result = np.moveaxis(nearest, axis, 0)
        for step in range(1, MAX_DISTANCE):
            cost = np.int16(step * step)
            np.minimum(result[step:], moved[:-step] + cost, out=result[step:])
            np.minimum(result[:-step], moved[step:] + cost, out=result[:-step])
        squared = nearest
    return _ROOTS[np.minimum(squared, far)]


_ROOTS = (np.sqrt(np.arange(MAX_DISTANCE**2 + 1)) * UNITS).round().astype(np.uint8)
