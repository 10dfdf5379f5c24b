"""Explanations of a network: occlusion maps and a map of its features."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy import linalg

Tensors = NDArray[np.float32]

SIZE = 28

#: Side of the hidden patch: about the width of a stroke, so that a patch hides one stroke.
PATCH = 5


def occlude(model: keras.Model, tensor: Tensors, label: int) -> Tensors:
    """Return the loss of the probability of `label` with a patch hidden around each pixel.

    Args:
        model: Network from (N, 28, 28, 1) to probabilities.
        tensor: (28, 28) float32.
        label: Index of the output.

    Returns:
        (28, 28) float32; positive where the ink supports `label`, negative where it contradicts.

    Source: Zeiler, Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014.
    """
    corners = [(row, column) for row in range(SIZE) for column in range(SIZE)]
    hidden = np.repeat(np.pad(tensor, PATCH // 2)[None], len(corners), axis=0)
    for image, (row, column) in zip(hidden, corners, strict=True):
        image[row : row + PATCH, column : column + PATCH] = 0
    edge = PATCH // 2
    images = hidden[:, edge:-edge, edge:-edge, None]
    probabilities = model.predict_on_batch(np.concatenate([tensor[None, :, :, None], images]))
    lost: Tensors = probabilities[0, label] - probabilities[1:, label]
    return lost.reshape(SIZE, SIZE)


def features(model: keras.Model, tensors: Tensors) -> Tensors:
    """Return the (N, features) inputs of the last layer for (N, 28, 28) `tensors`."""
    body: Any = keras.Model(model.inputs, model.layers[-1].input)
    found: Tensors = body.predict(tensors[..., None], batch_size=1_000, verbose=0)
    return found


def embed(points: Tensors, labels: NDArray[np.integer]) -> Tensors:
    """Project (N, features) `points` to the (N, 2) plane that separates the labels best.

    Source: R. A. Fisher, The Use of Multiple Measurements in Taxonomic Problems, 1936 (linear
    discriminants).
    """
    centred = points - points.mean(axis=0)
    means = np.stack([centred[labels == label].mean(axis=0) for label in np.unique(labels)])
    within = np.cov((centred - means[np.searchsorted(np.unique(labels), labels)]).T)
    # Add a tenth of the mean variance, so that directions of almost no variance do not dominate.
    ridge = np.eye(len(within)) * within.trace() / len(within) / 10
    _, vectors = linalg.eigh(
        np.cov(means.T), within + ridge, subset_by_index=[len(within) - 2, len(within) - 1]
    )
    plane: Tensors = centred @ vectors[:, ::-1]
    return plane
