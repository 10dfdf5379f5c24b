"""Thinning and distance fields."""

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


def test_enlarge_keeps_the_centre():
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 10:14, 6:16] = 255

    (mask,) = enlarge(image)

    assert ndimage.center_of_mass(mask) == (11.5 * 2 + 0.5, 10.5 * 2 + 0.5)


def test_thin_lines_are_one_pixel_wide(masks):
    lines = thin(masks)

    assert not (lines & ~masks).any()
    squares = lines[:, :-1, :-1] & lines[:, 1:, :-1] & lines[:, :-1, 1:] & lines[:, 1:, 1:]
    assert squares.sum() < 0.01 * lines.sum()


def test_thin_keeps_the_number_of_strokes(masks):
    lines = thin(masks)

    def strokes(mask):
        return ndimage.label(mask, EIGHT)[1]

    kept = [strokes(mask) == strokes(line) for mask, line in zip(masks, lines, strict=True)]
    # The method of Zhang and Suen removes a dot of 2x2 pixels.
    assert np.mean(kept) > 0.95


def test_distance_fields_equal_brute_force(masks):
    pixels = np.mgrid[:FIELD_SIZE, :FIELD_SIZE]
    for line in thin(masks[:50]):
        ink = np.argwhere(line)[:, :, None, None]
        squared = ((pixels - ink) ** 2).sum(axis=1).min(axis=0, initial=MAX_DISTANCE**2)

        (field,) = distance_fields(line[None])

        np.testing.assert_array_equal(field, np.rint(np.sqrt(squared) * UNITS))


def test_distance_fields_without_ink():
    empty = np.zeros((1, FIELD_SIZE, FIELD_SIZE), bool)

    assert (distance_fields(empty) == MAX_DISTANCE * UNITS).all()
