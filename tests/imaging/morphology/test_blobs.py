"""Blobs equal those of SciPy, which numbers them in the same order."""

import numpy as np
import pytest
from scipy import ndimage

from dlflask.imaging.morphology.blobs import find_blobs

_AROUND = np.ones((3, 3), bool)


def _masks():
    random = np.random.default_rng(3)
    for share in (0, 0.1, 0.3, 0.5, 0.8, 1):
        for shape in ((1, 1), (1, 30), (30, 1), (7, 9), (40, 40)):
            yield random.random(shape) < share
    yield random.random((200, 300)) < 0.4  # thousands of runs


@pytest.mark.parametrize("corners", [False, True])
def test_find_blobs_equals_scipy(corners):
    for mask in _masks():
        labels, number = ndimage.label(mask, _AROUND if corners else None)
        boxes = [(r.start, c.start, r.stop, c.stop) for r, c in ndimage.find_objects(labels)]
        blobs = find_blobs(mask, corners=corners)
        assert blobs.number == number
        assert np.array_equal(blobs.paint(), labels)
        assert blobs.measure_boxes().tolist() == [list(box) for box in boxes]


def test_find_blobs_spiral_is_one_blob():
    rows = ["#######", "......#", "#####.#", "#...#.#", "#.###.#", "#.....#", "#######"]
    spiral = np.array([[pixel == "#" for pixel in row] for row in rows])
    assert find_blobs(spiral, corners=False).number == 1


def test_find_blobs_transposed_mask():
    mask = np.random.default_rng(4).random((20, 30)) < 0.4
    assert np.array_equal(find_blobs(mask.T).paint(), ndimage.label(mask.T, _AROUND)[0])
