"""Augmented digits stay the digits they were: the model that is served reads them."""

from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from dlflask.train.augmentation.augment import augment_fields, augment_images  # noqa: E402
from dlflask.train.synthesis.skeletonize import distance_fields, enlarge, thin  # noqa: E402

pytestmark = pytest.mark.model

MODEL = Path(__file__).resolve().parent.parent.parent / "mnist_model.h5"


@pytest.fixture(scope="module")
def read():
    """The most probable of the ten digits for (N, 28, 28) tensors."""
    model = keras.models.load_model(MODEL, compile=False)
    return lambda tensors: model.predict(tensors[..., None], verbose=0)[:, :10].argmax(axis=1)


def test_augmented_images_are_still_read(read, digits):
    images, labels = digits

    augmented = augment_images(images, np.random.default_rng(1))

    # The digits were augmented once before, to stand for MNIST.
    assert np.mean(read(augmented) == labels) > 0.85


def test_digits_drawn_again_are_still_read(read, digits):
    images, labels = digits

    augmented = augment_fields(distance_fields(thin(enlarge(images))), np.random.default_rng(1))

    assert np.mean(read(augmented) == labels) > 0.8
