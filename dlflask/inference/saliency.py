"""Which part of the ink the network's answer rests on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dlflask.types import SIZE, Tensor

#: Side of the square that is erased, and the step between squares: 81 squares, each pixel in 4.
#: A stroke is 2 to 4 pixels wide, so a square takes a piece of stroke and not a whole one.
PATCH, STEP = 6, 3


def saliency(
    probability: Callable[[NDArray[np.float32]], NDArray[np.float32]], tensor: Tensor
) -> Tensor:
    """How much probability the answer loses where a piece of the ink is erased.

    Args:
        probability: From (N, 28, 28) tensors to (N,) probabilities of the answer; asked once.
        tensor: (28, 28) float32 in 0..1.

    Returns:
        (28, 28) float32 in 0..1; 1 where erasing costs most, 0 where it costs nothing or there is
        no ink.

    Source: Zeiler, Fergus, Visualizing and Understanding Convolutional Networks, 2014, 4.2.
    """
    starts = range(-STEP, SIZE, STEP)
    squares = [
        np.s_[max(0, top) : top + PATCH, max(0, left) : left + PATCH]
        for top in starts
        for left in starts
        if tensor[max(0, top) : top + PATCH, max(0, left) : left + PATCH].any()
    ]
    erased = np.repeat(tensor[None], len(squares) + 1, axis=0)
    for picture, square in zip(erased, squares, strict=False):
        picture[square] = 0
    *lost, whole = probability(erased)
    total = np.zeros_like(tensor)
    count = np.zeros_like(tensor)
    for square, left_over in zip(squares, lost, strict=True):
        total[square] += max(0.0, float(whole - left_over))
        count[square] += 1
    loss = np.where(tensor > 0, total / np.maximum(count, 1), 0).astype(np.float32)
    peak = float(loss.max())
    return loss / np.float32(peak) if peak else loss
