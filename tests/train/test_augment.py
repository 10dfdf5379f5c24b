"""Augmentation: what it changes and what it keeps."""

import numpy as np
import pytest
from scipy import ndimage

from dlflask.train.augmentation.augment import FULL, Strength, augment_fields, augment_images
from dlflask.train.augmentation.corruptions import CORRUPTIONS
from dlflask.train.synthesis.hard_negatives import make_hard_negatives
from dlflask.train.synthesis.skeletonize import distance_fields, enlarge, thin
from dlflask.train.synthesis.synthetic_negatives import KINDS, LATIN, OTHERS, draw_negatives

#: Characters that look exactly like a digit.
DIGIT_LIKE = set("0123456789OoIl|")


@pytest.fixture(scope="module")
def fields(digits):
    return distance_fields(thin(enlarge(digits[0][:500])))


@pytest.fixture(params=["images", "fields"])
def augment(request, digits, fields):
    """Return a function that augments 500 digits with a given seed."""
    sources = {"images": (augment_images, digits[0][:500]), "fields": (augment_fields, fields)}
    function, source = sources[request.param]
    return lambda seed: function(source, np.random.default_rng(seed))


def test_augment_with_same_seed(augment):
    np.testing.assert_array_equal(augment(3), augment(3))


def test_augment_with_other_seed(augment):
    different = np.abs(augment(3) - augment(4)).max(axis=(1, 2)) > 0.5

    assert different.mean() > 0.95


def test_augment_shape_dtype_and_range(augment):
    tensors = augment(0)

    assert tensors.shape == (500, 28, 28)
    assert tensors.dtype == np.float32
    assert tensors.min() >= 0
    assert tensors.max() <= 1


def test_augment_images_with_less_strength(digits):
    images = digits[0][:500]
    ink = images / np.float32(255)
    full, mild = (
        np.abs(augment_images(images, np.random.default_rng(0), strength) - ink).mean()
        for strength in (FULL, Strength(warp=0.3, misplaced=0.0, corrupted=0.0))
    )

    assert mild < 0.8 * full


def test_augment_images_does_not_change_its_input(digits):
    images = digits[0][:50].copy()

    augment_images(images, np.random.default_rng(0))

    np.testing.assert_array_equal(images, digits[0][:50])


def test_augment_normalises_position_and_size(augment):
    """Three quarters are placed as in MNIST, up to rounding and bending; the others misplaced."""
    tensors = augment(0)

    sides, offsets = _placement(tensors)
    assert 19 <= np.median(sides) <= 22
    assert np.mean(offsets < 1.5) > 0.7
    assert np.percentile(offsets, 99) < 6


def test_augment_fields_of_non_digits():
    rng = np.random.default_rng(0)

    tensors = augment_fields(draw_negatives(500, rng), rng)

    sides, offsets = _placement(tensors)
    assert 19 <= np.median(sides) <= 23
    assert np.mean(offsets < 2.5) > 0.7


@pytest.mark.parametrize("kind", [kind for kind, _ in KINDS])
def test_negatives_have_ink_and_paper(kind):
    masks = kind(60, np.random.default_rng(0))

    assert masks.shape == (60, 56, 56)
    assert masks.any(axis=(1, 2)).mean() > 0.9
    assert masks.mean() < 0.5


def test_negatives_without_digit_like_characters():
    assert not set(LATIN + OTHERS) & DIGIT_LIKE


def test_hard_negatives_count(digits):
    images, labels = digits

    fields = make_hard_negatives(
        thin(enlarge(images[:200])), labels[:200], 100, np.random.default_rng(0)
    )

    assert fields.shape == (100, 56, 56)


@pytest.mark.parametrize("corruption", [corruption for corruption, _ in CORRUPTIONS])
def test_corruption_keeps_most_of_the_digit(corruption, digits):
    tensors = digits[0][:200].astype(np.float32) / 255
    corrupted = np.clip(corruption(tensors.copy(), np.random.default_rng(0)), 0, 1)

    before, after = tensors.reshape(200, -1), corrupted.reshape(200, -1)
    alike = (before * after).sum(axis=1)
    alike /= np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    assert np.median(alike) > 0.8
    assert np.isfinite(corrupted).all()


def _placement(tensors):
    """Return the longer sides and the distances of the centres of mass from the middle."""
    sides, offsets = [], []
    for tensor in tensors[tensors.max(axis=(1, 2)) > 0.5]:
        rows, columns = np.nonzero(tensor > 0.3)
        sides.append(max(np.ptp(rows), np.ptp(columns)) + 1)
        offsets.append(np.linalg.norm(np.array(ndimage.center_of_mass(tensor)) - 13.5))
    return np.array(sides), np.array(offsets)
