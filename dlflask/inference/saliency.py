"""Occlusion saliency: how much a prediction depends on each part of the ink."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dlflask.types import SIZE, Tensor

#: Side of an erased square, and distance from one square to the next, in pixels. Each pixel belongs
#: to four squares. Strokes are 2 to 4 pixels wide, so a square erases only a piece of a stroke.
PATCH, STEP = 6, 3


def saliency(
    probability: Callable[[NDArray[np.float32]], NDArray[np.float32]], tensor: Tensor
) -> Tensor:
    """Measure how much probability the prediction loses when a piece of the ink is erased.

    Args:
        probability: Function from tensors, (N, 28, 28), to the probability of the predicted class
            for each tensor, (N,). It is called once.
        tensor: Input of the network, (28, 28) float32 in 0..1.

    Returns:
        (28, 28) float32 in 0..1. It is 1 where erasing lowers the probability most, 0 where erasing
        does not lower the probability, and 0 on paper.

    Source: Zeiler, Fergus, Visualizing and Understanding Convolutional Networks, 2014, section 4.2.
    """
    starts = range(-STEP, SIZE, STEP)
    squares = [
        np.s_[max(0, top) : top + PATCH, max(0, left) : left + PATCH]
        for top in starts
        for left in starts
        if tensor[max(0, top) : top + PATCH, max(0, left) : left + PATCH].any()
    ]
    # The last image stays unchanged.
    erased = np.repeat(tensor[None], len(squares) + 1, axis=0)
    for image, square in zip(erased, squares, strict=False):
        image[square] = 0
    *remaining, whole = probability(erased)
    total = np.zeros_like(tensor)
    count = np.zeros_like(tensor)
    for square, lower in zip(squares, remaining, strict=True):
        total[square] += max(0.0, float(whole - lower))
        count[square] += 1
    # A pixel's loss is the mean of the losses of its squares.
    loss = np.where(tensor > 0, total / np.maximum(count, 1), 0).astype(np.float32)
    peak = float(loss.max())
    return loss / np.float32(peak) if peak else loss
