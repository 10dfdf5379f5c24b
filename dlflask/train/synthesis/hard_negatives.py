"""Non-digits made of MNIST's digits: mirrored, rotated, and in pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlflask.train.synthesis.skeletonize import FIELD_SIZE, Fields, Masks, distance_fields

#: Digits that are not a digit when mirrored. A mirrored 2 looks like a 5; 0, 1 and 8 hardly change.
_MIRRORED = (3, 4, 6, 7, 9)
#: Digits that are not a digit after a quarter turn. A rotated 1 is a dash; 0 and 8 hardly change.
_ROTATED = (2, 3, 4, 5, 6, 7, 9)


def make_hard_negatives(
    lines: Masks, labels: NDArray[np.uint8], count: int, rng: np.random.Generator
) -> Fields:
    """Make about `count` non-digits of thinned digits.

    Args:
        lines: (N, 56, 56) thinned digits.
        labels: (N,) their labels.
        count: Number of non-digits.
        rng: The only source of randomness.

    Returns:
        (about count, 56, 56) uint8 distance fields.
    """
    share = count // 4
    mirrored = lines[_choose(np.isin(labels, _MIRRORED), share, rng)][:, :, ::-1]
    rotated = lines[_choose(np.isin(labels, _ROTATED), share, rng)]
    rotated = np.rot90(rotated, 1, axes=(1, 2))
    everything = np.ones(len(labels), bool)
    first = lines[_choose(everything, 2 * share, rng)]
    second = lines[_choose(everything, 2 * share, rng)]
    return distance_fields(np.concatenate([mirrored, rotated, _pairs(first, second, rng)]))


def _choose(allowed: NDArray[np.bool_], count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    return rng.choice(np.flatnonzero(allowed), count)


def _pairs(first: Masks, second: Masks, rng: np.random.Generator) -> Masks:
    """Draw two digits at half size side by side, 11 to 17 columns apart."""
    small_first, small_second = _halve(first), _halve(second)
    pairs = np.zeros_like(first)
    quarter = FIELD_SIZE // 4
    for index, apart in enumerate(rng.integers(11, 18, len(first))):
        left = (FIELD_SIZE - 2 * quarter - apart) // 2
        rows = np.s_[quarter : quarter + FIELD_SIZE // 2]
        pairs[index, rows, left : left + FIELD_SIZE // 2] |= small_first[index]
        right = left + apart
        pairs[index, rows, right : right + FIELD_SIZE // 2] |= small_second[index]
    return pairs


def _halve(masks: Masks) -> Masks:
    half: Masks = (
        masks[:, ::2, ::2] | masks[:, 1::2, ::2] | masks[:, ::2, 1::2] | masks[:, 1::2, 1::2]
    )
    return half
