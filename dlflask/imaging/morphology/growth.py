"""Growth of masks by one pixel."""

from __future__ import annotations

from dlflask.types import Mask


def grow(mask: Mask, *, corners: bool = True) -> Mask:
    """Return `mask` with the neighbours of each of its pixels.

    SciPy's `binary_dilation` returns the same, but takes five times as long.

    Args:
        mask: (height, width).
        corners: True if pixels that touch only at a corner are neighbours.
    """
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    source = grown.copy() if corners else mask
    grown[:, 1:] |= source[:, :-1]
    grown[:, :-1] |= source[:, 1:]
    return grown
