"""Connected parts of a mask, found by joining the runs of pixels in its rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlflask.types import Mask

#: Maximum number of runs (see `Blobs`) for which a loop in Python takes less time than NumPy.
_FEW_RUNS = 100


@dataclass(frozen=True, eq=False)
class Blobs:
    """Connected parts of a mask, numbered from 1 in the order of their first pixels, row by row.

    A run is an unbroken sequence of the mask's pixels in one row. An empty column is added at the
    right of the mask, so that runs of different rows do not touch. The mask with this column is
    then flattened, and positions are indices of the result.

    Attributes:
        number: Number of blobs.
        shape: (height, width) of the mask.
        starts: (R,) position of each run's first pixel.
        stops: (R,) position after each run's last pixel.
        owners: (R,) number of each run's blob.
    """

    number: int
    shape: tuple[int, int]
    starts: NDArray[np.intp]
    stops: NDArray[np.intp]
    owners: NDArray[np.intp]

    @property
    def lengths(self) -> NDArray[np.intp]:
        """Number of pixels of each run, (R,)."""
        return self.stops - self.starts

    def label_pixels(self) -> NDArray[np.intp]:
        """Return the number of the blob of each of the mask's pixels, row by row, (pixels,)."""
        return np.repeat(self.owners, self.lengths)

    def paint(self) -> NDArray[np.int32]:
        """Return the number of each pixel's blob, or 0 outside of the mask, as (height, width)."""
        height, width = self.shape
        # Lengths of gaps (even indices) and runs (odd indices), which alternate.
        lengths = np.empty(2 * len(self.starts) + 1, np.intp)
        lengths[1::2] = self.lengths
        lengths[2:-1:2] = self.starts[1:] - self.stops[:-1]
        lengths[0] = self.starts[0] if len(self.starts) else 0
        lengths[-1] = height * (width + 1) - (self.stops[-1] if len(self.stops) else 0)
        values = np.zeros(len(lengths), np.int32)
        values[1::2] = self.owners
        painted: NDArray[np.int32] = np.repeat(values, lengths).reshape(height, width + 1)
        return np.ascontiguousarray(painted[:, :-1])

    def measure_areas(self) -> NDArray[np.intp]:
        """Return the number of pixels of each blob, (number,)."""
        areas = np.bincount(self.owners, self.lengths, self.number + 1)
        return areas[1:].astype(np.intp)

    def measure_boxes(self) -> NDArray[np.intp]:
        """Return top, left, bottom and right of each blob, (number, 4)."""
        rows, lefts = np.divmod(self.starts, self.shape[1] + 1)
        rights = lefts + self.lengths
        boxes = np.zeros((self.number, 4), np.intp)
        boxes[:, :2] = max(self.shape)
        index = self.owners - 1
        np.minimum.at(boxes[:, 0], index, rows)
        np.minimum.at(boxes[:, 1], index, lefts)
        np.maximum.at(boxes[:, 2], index, rows + 1)
        np.maximum.at(boxes[:, 3], index, rights)
        return boxes


def find_blobs(mask: Mask, *, corners: bool = True) -> Blobs:
    """Find the connected parts of a mask.

    Args:
        mask: (height, width).
        corners: True if pixels that touch only at a corner are connected.
    """
    height, width = mask.shape
    padded = np.zeros(1 + height * (width + 1), bool)
    padded[1:].reshape(height, width + 1)[:, :-1] = mask
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    starts, stops = edges[::2], edges[1::2]
    # A run touches the runs `first` to `last - 1`, which are in the row above.
    reach = int(corners) - (width + 1)
    first = np.searchsorted(stops, starts - reach - 2 * (width + 1), "right")
    last = np.searchsorted(starts, stops + reach, "left")
    join = _join_few if len(starts) <= _FEW_RUNS else _join_many
    number, owners = join(first, last)
    return Blobs(number, (height, width), starts, stops, owners)


def _join_few(first: NDArray[np.intp], last: NDArray[np.intp]) -> tuple[int, NDArray[np.intp]]:
    """Return the number of blobs, and the number of each run's blob, by a loop in Python.

    Args:
        first: (R,) for each run, index of the first of the runs above that touch it.
        last: (R,) for each run, index after the last of the runs above that touch it.
    """
    parents: list[int] = []
    for run, (start, stop) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        root = run
        for above in range(start, stop):
            other = above
            while parents[other] != other:
                other = parents[other]
            # Make the earliest run the root, because blobs are numbered by their first pixel.
            if other < root:
                if root != run:
                    parents[root] = other
                root = other
            elif other != root:
                parents[other] = root
        parents.append(root)
    numbers: list[int] = []
    number = 0
    for run, parent in enumerate(parents):
        if parent == run:
            number += 1
            numbers.append(number)
        else:
            numbers.append(numbers[parent])
    return number, np.array(numbers, np.intp)


def _join_many(first: NDArray[np.intp], last: NDArray[np.intp]) -> tuple[int, NDArray[np.intp]]:
    """Return the same as `_join_few`, by NumPy.

    The root of a run is the first run of its blob.

    Source: Shiloach, Vishkin, An O(log n) parallel connectivity algorithm, 1982.
    """
    runs = np.arange(len(first))
    roots = np.where(last > first, first, runs)
    _shorten(roots)
    # If several runs of the row above touch the same run, join each of these to the next.
    counts = np.maximum(last - first - 1, 0)
    one = np.arange(counts.sum()) + np.repeat(first - counts.cumsum() + counts, counts)
    other = one + 1
    while len(one):
        one, other = roots[one], roots[other]
        apart = one != other
        one, other = one[apart], other[apart]
        np.minimum.at(roots, np.maximum(one, other), np.minimum(one, other))
        _shorten(roots)
    is_root = roots == runs
    numbers = is_root.cumsum()
    return int(numbers[-1]) if len(numbers) else 0, numbers[roots]


def _shorten(roots: NDArray[np.intp]) -> None:
    """Replace each root by its own root, until nothing changes."""
    while not np.array_equal(further := roots[roots], roots):
        roots[:] = further
