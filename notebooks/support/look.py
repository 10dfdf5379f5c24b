"""A network in, what it looks at out: where its answer comes from, and how it sorts digits."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy import linalg

Tensors = NDArray[np.float32]

SIZE = 28

#: Hidden at a time: about the width of a stroke, so that one patch takes one stroke away.
PATCH = 5


def occlude(model: keras.Model, tensor: Tensors, label: int) -> Tensors:
    """How much of the probability of `label` is lost where a patch of the picture is hidden.

    Args:
        model: From (N, 28, 28, 1) to probabilities.
        tensor: (28, 28) float32.
        label: The output that is watched.

    Returns:
        (28, 28) float32; above 0 where the picture speaks for `label`, below 0 where against it.

    Source: Zeiler, Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014.
    """
    corners = [(row, column) for row in range(SIZE) for column in range(SIZE)]
    hidden = np.repeat(np.pad(tensor, PATCH // 2)[None], len(corners), axis=0)
    for picture, (row, column) in zip(hidden, corners, strict=True):
        picture[row : row + PATCH, column : column + PATCH] = 0
    edge = PATCH // 2
    pictures = hidden[:, edge:-edge, edge:-edge, None]
    probabilities = model.predict_on_batch(np.concatenate([tensor[None, :, :, None], pictures]))
    lost: Tensors = probabilities[0, label] - probabilities[1:, label]
    return lost.reshape(SIZE, SIZE)


def features(model: keras.Model, tensors: Tensors) -> Tensors:
    """What the last layer of `model` is given: (N, features) for (N, 28, 28) `tensors`."""
    body: Any = keras.Model(model.inputs, model.layers[-1].input)
    found: Tensors = body.predict(tensors[..., None], batch_size=1_000, verbose=0)
    return found


def embed(points: Tensors, labels: NDArray[np.integer]) -> Tensors:
    """Lay (N, features) `points` on a plane, (N, 2), so that the labels lie well apart.

    Source: R. A. Fisher, The Use of Multiple Measurements in Taxonomic Problems, 1936 (linear
    discriminants).
    """
    centred = points - points.mean(axis=0)
    means = np.stack([centred[labels == label].mean(axis=0) for label in np.unique(labels)])
    within = np.cov((centred - means[np.searchsorted(np.unique(labels), labels)]).T)
    # A tenth of the mean variance keeps directions that hardly vary from deciding.
    ridge = np.eye(len(within)) * within.trace() / len(within) / 10
    _, vectors = linalg.eigh(
        np.cov(means.T), within + ridge, subset_by_index=[len(within) - 2, len(within) - 1]
    )
    plane: Tensors = centred @ vectors[:, ::-1]
    return plane
