"""Resizing of planes."""

import numpy as np
import pytest

from dlflask.imaging.resize import resize


@pytest.mark.parametrize("size", [4, 9, 18])
def test_resize_clamped_repeats_the_outermost_pixels(size):
    plane = np.random.default_rng(0).random((size, size), np.float32)
    centres = (np.arange(28) + 0.5) * size / 28 - 0.5

    enlarged = resize(plane, 28, 28, clamp=True)

    columns = [np.interp(centres, np.arange(size), row) for row in plane]
    expected = [np.interp(centres, np.arange(size), row) for row in np.transpose(columns)]
    np.testing.assert_allclose(enlarged, np.transpose(expected), atol=1e-6)


def test_resize_continues_the_slope_at_the_edges():
    plane = np.array([[0.0, 1.0]], np.float32)

    enlarged = resize(plane, 1, 4)

    np.testing.assert_allclose(enlarged, [[-0.25, 0.25, 0.75, 1.25]])
