"""Running minimum, maximum and mean over windows along one axis."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

_Value = TypeVar("_Value", bound=np.generic)


def running_minimum(
    values: NDArray[_Value],
    length: int,
    axis: int,
    *,
    outside: int | None = None,
    before: int | None = None,
) -> NDArray[_Value]:
    """Return the minimum of a window around each value.

    Args:
        values: Array with one or two axes.
        length: Number of values in the window.
        axis: Axis along which the window lies.
        outside: Value beyond the ends of `values`, or None to repeat the value at each end.
        before: Number of values between the start of the window and the value that the window
            surrounds, or None for `length // 2`.
    """
    padded = _pad(values, length, axis, outside, before)
    return _combine(np.minimum, padded, length, axis)


def running_maximum(
    values: NDArray[_Value],
    length: int,
    axis: int,
    *,
    outside: int | None = None,
    before: int | None = None,
) -> NDArray[_Value]:
    """Return the maximum of a window around each value.

    The arguments are those of `running_minimum`.
    """
    padded = _pad(values, length, axis, outside, before)
    return _combine(np.maximum, padded, length, axis)


def running_mean(values: NDArray[np.float32], length: int, axis: int) -> NDArray[np.float32]:
    """Return the mean of a window around each value.

    The values at the ends are repeated beyond the ends. The sum of a window is computed in float64
    from the sum of the previous window: add the value that enters, subtract the value that leaves.
    """
    padded = _pad(values.astype(np.float64), length, axis, None, None)
    size = values.shape[axis]
    sums = np.empty(values.shape)
    # Add one value after the other. NumPy's `sum` adds in pairs, so its result differs by rounding.
    whole = np.add.accumulate(_slice(padded, axis, 0, length), axis)
    _slice(sums, axis, 0, 1)[...] = _slice(whole, axis, length - 1, length)
    np.subtract(
        _slice(padded, axis, length, None),
        _slice(padded, axis, 0, size - 1),
        out=_slice(sums, axis, 1, None),
    )
    if axis == 0 and sums.ndim > 1:
        # Add whole rows. `accumulate` would go down each column, with a cache miss at each value.
        for above, row in pairwise(sums):
            np.add(row, above, out=row)
    else:
        np.add.accumulate(sums, axis, out=sums)
    sums /= length
    return sums.astype(np.float32)


def _combine(ufunc: np.ufunc, values: NDArray[_Value], length: int, axis: int) -> NDArray[_Value]:
    """Return `ufunc` (minimum or maximum) of each window of `length` values."""
    # Combine two windows to one of twice the length: 2, 4, 8 values and so on. In the last step,
    # the two windows overlap if `length` is not a power of 2.
    window = 1
    while window < length:
        step = min(window, length - window)
        values = ufunc(_slice(values, axis, None, -step), _slice(values, axis, step, None))
        window += step
    return values


def _pad(
    values: NDArray[_Value], length: int, axis: int, outside: int | None, before: int | None
) -> NDArray[_Value]:
    """Return `values` with `length - 1` more values along `axis`, `before` of them at the start."""
    before = length // 2 if before is None else before
    shape = list(values.shape)
    size = shape[axis]
    shape[axis] += length - 1
    padded = np.empty(shape, values.dtype)
    _slice(padded, axis, before, before + size)[...] = values
    first, last = (
        (_slice(values, axis, 0, 1), _slice(values, axis, size - 1, size))
        if outside is None
        else (outside, outside)
    )
    _slice(padded, axis, 0, before)[...] = first
    _slice(padded, axis, before + size, None)[...] = last
    return padded


def _slice(values: NDArray[Any], axis: int, start: int | None, stop: int | None) -> NDArray[Any]:
    return values[start:stop] if axis == 0 else values[:, start:stop]
