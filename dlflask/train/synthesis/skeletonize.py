"""Skeletons: the line that a pen followed, kept as a distance field so that any pen can redraw it.

A mask of ink is thinned to its middle line and stored as the distance of every pixel to that line.
The field can be warped smoothly, and a threshold at half a pen's width draws the stroke of that
pen, from a hairline to a felt pen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dlflask.imaging.resize import resize

Masks = NDArray[np.bool_]
Fields = NDArray[np.uint8]

#: Fields have twice the resolution of tensors: the middle line is exact to a quarter of a pixel.
FIELD_SIZE = 56
#: Distances are clipped at this many field pixels, half of the widest pen that a field can draw.
MAX_DISTANCE = 10
#: Field values per field pixel of distance, so that `MAX_DISTANCE` fits a byte.
UNITS = 25

#: Masks that are processed together; larger chunks do not fit the processor's cache.
_CHUNK = 256
#: (row, column) of the neighbours P2..P9 of Zhang and Suen, clockwise from north.
_NEIGHBOURS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))


def enlarge(images: NDArray[np.uint8]) -> Masks:
    """Enlarge (N, 28, 28) uint8 ink to (N, 56, 56) masks, cut at the middle grey."""
    masks = np.empty((len(images), FIELD_SIZE, FIELD_SIZE), bool)
    for start in range(0, len(images), _CHUNK):
        part = np.s_[start : start + _CHUNK]
        ink = images[part].astype(np.float32)
        masks[part] = resize(ink, FIELD_SIZE, FIELD_SIZE, clamp=True) > 110
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
    """Return, for both sub-iterations, 1 for each 8-bit code of neighbours to be removed."""
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
    """Return (N, 56, 56) distances to the nearest ink, in 1/`UNITS` field pixels, clipped."""
    fields = np.empty(masks.shape, np.uint8)
    for field, mask in zip(fields, masks, strict=True):
        # SciPy measures to an arbitrary pixel if a mask is empty.
        distance = ndimage.distance_transform_edt(~mask) if mask.any() else np.inf
        field[:] = np.rint(np.minimum(distance, MAX_DISTANCE) * UNITS)
    return fields
