"""Simple classifiers of MNIST to compare the network with."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from dlflask.train.data import Images, Labels

Guesses = NDArray[np.int64]

NUM_DIGITS = 10


def guess_majority(labels: Labels, count: int) -> Guesses:
    """Return the most frequent of `labels` `count` times."""
    return np.full(count, np.bincount(labels).argmax())


def guess_nearest_mean(images: Images, labels: Labels, asked: Images) -> Guesses:
    """Return the digits with the nearest mean images.

    Args:
        images: (N, 28, 28) training images.
        labels: (N,) their labels.
        asked: (M, 28, 28) images to classify.

    Returns:
        (M,) digits.
    """
    means = [images[labels == digit].mean(axis=0).reshape(-1) for digit in range(NUM_DIGITS)]
    points = asked.reshape(len(asked), -1).astype(np.float32)
    distances = [((points - mean) ** 2).sum(axis=1) for mean in means]
    nearest: Guesses = np.argmin(distances, axis=0)
    return nearest


def softmax_regression() -> keras.Model:
    """Build one dense layer on the 784 pixels, which is a template for each digit."""
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(NUM_DIGITS, activation="softmax"),
        ],
        name="softmax_regression",
    )


def original_network() -> keras.Model:
    """Build the dense 784-512-10 network of the first version of the service."""
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(512, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(NUM_DIGITS, activation="softmax"),
        ],
        name="original_network",
    )


def fit_plain(model: keras.Model, images: Images, labels: Labels, epochs: int, seed: int) -> None:
    """Train `model` in place, without augmentation."""
    keras.utils.set_random_seed(seed)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(images / np.float32(255), labels, batch_size=128, epochs=epochs, verbose=0)
