"""Joined zeros: each drawing is one line that encloses as many holes as there are zeros."""

import numpy as np
import pytest
from scipy import ndimage

from dlflask.train.numbers.fields.joined_zeros import COUNTS, draw_joined_zeros


@pytest.mark.parametrize("count", COUNTS)
def test_draw_joined_zeros(count):
    fields = draw_joined_zeros(count, 40, seed=1)

    lines = [ndimage.label(field == 0, np.ones((3, 3)))[1] for field in fields]
    holes = [ndimage.label(field > 0)[1] - 1 for field in fields]
    assert set(lines) == {1}
    assert np.mean(np.array(holes) >= count) > 0.5
    assert len(np.unique(fields, axis=0)) == 40
