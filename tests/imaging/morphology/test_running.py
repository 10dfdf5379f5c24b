"""Running minimum, maximum and mean equal those of SciPy to the last bit."""

import numpy as np
import pytest
from scipy import ndimage

from dlflask.imaging.morphology.running import running_maximum, running_mean, running_minimum

_CASES = [
    (shape, length, axis)
    for shape in ((1, 1), (1, 30), (30, 1), (20, 30))
    for length in (1, 2, 3, 9, 16, 61)
    for axis in (0, 1)
]
_PAIRS = [
    (running_minimum, ndimage.minimum_filter1d),
    (running_maximum, ndimage.maximum_filter1d),
]


def _values(shape):
    return (100 * np.random.default_rng(5).normal(size=shape)).astype(np.float32)


@pytest.mark.parametrize(("own", "scipys"), _PAIRS)
def test_running_extreme_equals_scipy(own, scipys):
    for shape, length, axis in _CASES:
        values = _values(shape)
        for mode, outside in (("nearest", None), ("reflect", None), ("constant", 0)):
            expected = scipys(values, length, axis=axis, mode=mode)
            assert np.array_equal(own(values, length, axis, outside=outside), expected)
        before = (length - 1) // 2
        expected = scipys(values, length, axis=axis, origin=before - length // 2, mode="constant")
        assert np.array_equal(own(values, length, axis, outside=0, before=before), expected)


def test_running_minimum_mask():
    mask = _values((20, 30)) > -50
    assert running_minimum(mask, 3, 1).dtype == bool
    assert np.array_equal(running_minimum(mask, 3, 1), ndimage.minimum_filter1d(mask, 3))


def test_running_mean_equals_scipy():
    for shape, length, axis in _CASES:
        values = _values(shape)
        expected = ndimage.uniform_filter1d(values, length, axis=axis, mode="nearest")
        assert np.array_equal(running_mean(values, length, axis), expected)


def test_running_mean_one_axis():
    values = _values((500,))
    expected = ndimage.uniform_filter1d(values, 61, mode="nearest")
    assert np.array_equal(running_mean(values, 61, 0), expected)
