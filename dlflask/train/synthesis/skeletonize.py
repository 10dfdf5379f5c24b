"""Skeletons: lines that a pen followed, stored as distance fields, so that code can redraw them.

A mask, which is True where there is ink, is thinned to its middle line. The distance field contains
the distance of every pixel from that line. The field can be warped smoothly. The stroke of a pen of
any width consists of all pixels whose distance is less than half the width.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dlflask.imaging.resize import resize

Masks = NDArray[np.bool_]
Fields = NDArray[np.uint8]

#: Side of a distance field, in pixels. A field has twice the resolution of the 28 x 28 images of
#: the network, so that the middle line is exact to a quarter of a pixel of these images.
FIELD_SIZE = 56
#: Maximum distance in a field, in pixels of the field. Longer distances are clipped. It is half the
#: width of the widest pen that can be drawn from a field.
MAX_DISTANCE = 10
#: Value that stands for a distance of one pixel of the field. `MAX_DISTANCE * UNITS` fits in a
#: byte.
UNITS = 25

#: Number of masks that are processed together. More masks would not fit in the processor's cache.
_CHUNK = 256
#: Offsets (row, column) of a pixel's neighbours, clockwise from north. Zhang and Suen call these
#: neighbours P2 to P9.
_NEIGHBOURS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))


def enlarge(images: NDArray[np.uint8]) -> Masks:
    """Enlarge (N, 28, 28) uint8 ink to (N, 56, 56) masks. Ink above a medium grey becomes True."""
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
    """Return two tables, one for each of the two sub-iterations of the algorithm.

    The index of an entry is an 8-bit code, one bit for each neighbour of a pixel. The entry is 1 if
    a pixel with these neighbours must be removed.
    """
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1  # (256, 8): P2..P9
    count = bits.sum(axis=1)
    transitions = ((bits == 0) & (np.roll(bits, -1, axis=1) == 1)).sum(axis=1)
    p2, p4, p6, p8 = bits[:, 0], bits[:, 2], bits[:, 4], bits[:, 6]
    edge = (count >= 2) & (count <= 6) & (transitions == 1)
    first = edge & (p2 * p4 * p6 == 0) & (p4 * p6 * p8 == 0)
    second = edge & (p2 * p4 * p8 == 0) & (p2 * p6 * p8 == 0)
    return first.astype(np.uint8), second.astype(np.uint8)


_TABLES = _removal_tables()


def distance_fields(masks: Masks) -> Fields:
    """Return (N, 56, 56) uint8: `UNITS` times the distance to the nearest line pixel, clipped."""
    fields = np.empty(masks.shape, np.uint8)
    for field, mask in zip(fields, masks, strict=True):
        # In an empty mask, SciPy would measure the distance to an arbitrary pixel.
        distance = ndimage.distance_transform_edt(~mask) if mask.any() else np.inf
        field[:] = np.rint(np.minimum(distance, MAX_DISTANCE) * UNITS)
    return fields
