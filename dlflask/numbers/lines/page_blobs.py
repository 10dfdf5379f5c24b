"""Blobs (connected pixels of ink) of a page, and lists of the blobs that belong to one line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from dlflask.imaging.morphology.blobs import Blobs, find_blobs
from dlflask.types import Ink, Mask

#: A pixel with more ink than `FAINT` belongs to a blob. A blob counts as writing if at least one of
#: its pixels has ink of `SURE` or more.
FAINT, SURE = 0.2, 0.45


class InkBlobs(NamedTuple):
    """Ink of a page and all its blobs.

    Attributes:
        ink: (height, width) float32 in 0..1.
        mask: (height, width), pixels of the blobs.
        blobs: The blobs, dark or faint.
    """

    ink: Ink
    mask: Mask
    blobs: Blobs

    @classmethod
    def find(cls, ink: Ink) -> Self:
        """Find the blobs of `ink`."""
        mask = ink > FAINT
        return cls(ink, mask, find_blobs(mask))


@dataclass(frozen=True, eq=False)
class PageBlobs:
    """Blobs of a page that are dark enough to be writing.

    Attributes:
        labels: (height, width), i + 1 in the pixels of blob i, 0 elsewhere.
        boxes: (N, 4) top, left, bottom and right of each blob, in pixels.
        mass: (N,) sum of the ink of each blob.
    """

    labels: NDArray[np.int32]
    boxes: NDArray[np.intp]
    mass: NDArray[np.float64]

    @property
    def heights(self) -> NDArray[np.intp]:
        """Height of each blob, (N,), in pixels."""
        return self.boxes[:, 2] - self.boxes[:, 0]

    @property
    def widths(self) -> NDArray[np.intp]:
        """Width of each blob, (N,), in pixels."""
        return self.boxes[:, 3] - self.boxes[:, 1]


@dataclass
class Band:
    """Indices of the blobs of one line.

    Attributes:
        members: Indices of the line's strokes, from left to right.
        marks: Indices of the line's points, dashes and broken-off strokes.
    """

    members: list[int]
    marks: list[int] = field(default_factory=list)


def select_writing(found: InkBlobs) -> PageBlobs:
    """Return the blobs that are dark enough to be writing."""
    blobs = found.blobs
    values, owners, length = found.ink[found.mask], blobs.label_pixels(), blobs.number + 1
    mass = np.bincount(owners, values, length)[1:].astype(np.float64)
    is_kept = np.bincount(owners[values >= SURE], minlength=length)[1:] > 0
    labels, boxes = blobs.paint(), blobs.measure_boxes()
    if is_kept.all():
        return PageBlobs(labels, boxes, mass)
    new_labels = np.zeros(length, np.int32)
    new_labels[1:][is_kept] = np.arange(1, np.count_nonzero(is_kept) + 1)
    return PageBlobs(new_labels[labels], boxes[is_kept], mass[is_kept])
