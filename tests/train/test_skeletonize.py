"""Thinning and distance fields, against SciPy."""

import numpy as np
import pytest
from scipy import ndimage

from dlflask.train.synthesis.skeletonize import (
    FIELD_SIZE,
    MAX_DISTANCE,
    UNITS,
    distance_fields,
    enlarge,
    thin,
)

EIGHT = np.ones((3, 3))


@pytest.fixture(scope="module")
def masks(digits):
    return enlarge(digits[0][:300])


def test_enlarging_keeps_the_middle_of_an_image():
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 10:14, 6:16] = 255

    (mask,) = enlarge(image)

    assert ndimage.center_of_mass(mask) == (11.5 * 2 + 0.5, 10.5 * 2 + 0.5)


def test_thinned_lines_lie_in_their_masks_one_pixel_wide(masks):
    lines = thin(masks)

    assert not (lines & ~masks).any()
    squares = lines[:, :-1, :-1] & lines[:, 1:, :-1] & lines[:, :-1, 1:] & lines[:, 1:, 1:]
    assert squares.sum() < 0.01 * lines.sum()


def test_thinning_keeps_the_number_of_strokes(masks):
    lines = thin(masks)

    def strokes(mask):
        return ndimage.label(mask, EIGHT)[1]

    kept = [strokes(mask) == strokes(line) for mask, line in zip(masks, lines, strict=True)]
    # Zhang and Suen's one fault: a dot of 2x2 pixels vanishes.
    assert np.mean(kept) > 0.95


def test_distances_equal_scipys(masks):
    lines = thin(masks)
    lines = lines[lines.any(axis=(1, 2))][:50]

    fields = distance_fields(lines)

    expected = [ndimage.distance_transform_edt(~line) for line in lines]
    expected = np.minimum(expected, MAX_DISTANCE)
    np.testing.assert_allclose(fields / UNITS, expected, atol=0.5 / UNITS + 1e-6)


def test_a_field_without_ink_is_far_from_it_everywhere():
    empty = np.zeros((1, FIELD_SIZE, FIELD_SIZE), bool)

    assert (distance_fields(empty) == MAX_DISTANCE * UNITS).all()
