"""Simple readers of MNIST, for comparison: what a network has to be better than."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from dlflask.train.data import Images, Labels

Guesses = NDArray[np.int64]

NUM_DIGITS = 10


def guess_majority(labels: Labels, count: int) -> Guesses:
    """Say the most frequent of `labels` every time: (count,)."""
    return np.full(count, np.bincount(labels).argmax())


def guess_nearest_mean(images: Images, labels: Labels, asked: Images) -> Guesses:
    """Say the digit whose mean picture, over (N, 28, 28) `images`, is nearest to each of `asked`.

    Returns:
        (M,) digits for (M, 28, 28) `asked`.
    """
    means = [images[labels == digit].mean(axis=0).reshape(-1) for digit in range(NUM_DIGITS)]
    points = asked.reshape(len(asked), -1).astype(np.float32)
    distances = [((points - mean) ** 2).sum(axis=1) for mean in means]
    nearest: Guesses = np.argmin(distances, axis=0)
    return nearest


def softmax_regression() -> keras.Model:
    """One dense layer on the 784 pixels: a template for each digit."""
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(NUM_DIGITS, activation="softmax"),
        ],
        name="softmax_regression",
    )


def original_network() -> keras.Model:
    """The dense 784-512-10 network that this service began with."""
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
    """Train on digits as they are, without augmentation, in place."""
    keras.utils.set_random_seed(seed)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(images / np.float32(255), labels, batch_size=128, epochs=epochs, verbose=0)
