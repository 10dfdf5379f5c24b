"""Augmented digits can still be read: the shipped model recognises them."""

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
    """Return a function from (N, 28, 28) tensors to the most probable digits."""
    model = keras.models.load_model(MODEL, compile=False)
    return lambda tensors: model.predict(tensors[..., None], verbose=0)[:, :10].argmax(axis=1)


def test_augment_images_stay_readable(read, digits):
    images, labels = digits

    augmented = augment_images(images, np.random.default_rng(1))

    # The fixture has augmented the digits once already.
    assert np.mean(read(augmented) == labels) > 0.85


def test_augment_fields_stay_readable(read, digits):
    images, labels = digits

    augmented = augment_fields(distance_fields(thin(enlarge(images))), np.random.default_rng(1))

    assert np.mean(read(augmented) == labels) > 0.8
