"""Grown masks equal those of SciPy."""

import numpy as np
import pytest
from scipy import ndimage

from dlflask.imaging.morphology.growth import grow


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (20, 30)])
@pytest.mark.parametrize("share", [0, 0.1, 0.6, 1])
def test_growth_equals_scipy(shape, share):
    mask = np.random.default_rng(6).random(shape) < share
    assert np.array_equal(grow(mask), ndimage.binary_dilation(mask, np.ones((3, 3))))
    assert np.array_equal(grow(mask, corners=False), ndimage.binary_dilation(mask))
