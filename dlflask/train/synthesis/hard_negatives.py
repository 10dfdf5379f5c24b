"""Non-digits made from MNIST's digits, which are mirrored, rotated, or combined in pairs.

These non-digits are hard to tell from digits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlflask.train.synthesis.skeletonize import FIELD_SIZE, Fields, Masks, distance_fields

#: Digits that are not a digit when mirrored. A mirrored 2 looks like a 5, a mirrored 5 looks like a
#: 2, and a mirrored 0, 1 or 8 looks almost the same as before.
_MIRRORED = (3, 4, 6, 7, 9)
#: Digits that are not a digit after a quarter turn. After this turn, a 1 is only a dash, and a 0 or
#: an 8 looks almost the same as before.
_ROTATED = (2, 3, 4, 5, 6, 7, 9)


def make_hard_negatives(
    lines: Masks, labels: NDArray[np.uint8], count: int, rng: np.random.Generator
) -> Fields:
    """Make about `count` non-digits from thinned digits. Half of them are pairs of digits.

    Args:
        lines: (N, 56, 56) thinned digits.
        labels: (N,) labels of `lines`.
        count: Number of non-digits.
        rng: The only source of randomness.

    Returns:
        Distance fields, (about `count`, 56, 56) uint8.
    """
    quarter = count // 4
    mirrored = lines[_choose(np.isin(labels, _MIRRORED), quarter, rng)][:, :, ::-1]
    rotated = lines[_choose(np.isin(labels, _ROTATED), quarter, rng)]
    rotated = np.rot90(rotated, 1, axes=(1, 2))
    is_allowed = np.ones(len(labels), bool)
    first = lines[_choose(is_allowed, 2 * quarter, rng)]
    second = lines[_choose(is_allowed, 2 * quarter, rng)]
    return distance_fields(np.concatenate([mirrored, rotated, _pairs(first, second, rng)]))


def _choose(allowed: NDArray[np.bool_], count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    return rng.choice(np.flatnonzero(allowed), count)


def _pairs(first: Masks, second: Masks, rng: np.random.Generator) -> Masks:
    """Draw pairs of digits at half size, the second digit 11 to 17 columns right of the first."""
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
