"""Fixtures with digits drawn by code; tests do not download MNIST."""

import numpy as np
import pytest

from dlflask.train.augmentation.augment import augment_fields
from dlflask.train.data import Mnist
from dlflask.train.synthesis.synthetic_digits import draw_digits


@pytest.fixture(scope="session")
def digits():
    """Return about 2,000 digits like MNIST's: (N, 28, 28) uint8 images and (N,) uint8 labels."""
    rng = np.random.default_rng(0)
    fields, labels = draw_digits(2_000, rng)
    images = (augment_fields(fields, rng) * 255).astype(np.uint8)
    # Augmentation can erase a short stroke; MNIST lacks blank digits.
    inked = np.flatnonzero(images.max(axis=(1, 2)) == 255)
    order = rng.permutation(inked)
    return images[order], labels[order]


@pytest.fixture(scope="session")
def small_mnist(digits):
    images, labels = digits
    return Mnist(
        images[:600],
        labels[:600],
        images[600:1_200],
        labels[600:1_200],
        images[1_200:],
        labels[1_200:],
    )


@pytest.fixture(scope="session")
def mnist_file(tmp_path_factory, digits):
    """Write an mnist.npz of drawn digits that is large enough for a fast run."""
    images, labels = digits
    path = tmp_path_factory.mktemp("mnist") / "mnist.npz"
    many = np.resize(images, (10_000, 28, 28)), np.resize(labels, 10_000)
    np.savez(path, x_train=many[0], y_train=many[1], x_test=images, y_test=labels)
    return path
