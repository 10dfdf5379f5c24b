"""One field: a number, its writing, its paper and its image, as a strip for the network."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dlflask.imaging.resize import Plane
from dlflask.numbers.normalization import STRIDE, to_strip
from dlflask.train.numbers.fields.camera import expose, press
from dlflask.train.numbers.fields.material import Material
from dlflask.train.numbers.fields.paper import draw_neighbours, draw_paper
from dlflask.train.numbers.fields.strings import draw_number
from dlflask.train.numbers.fields.writing import write
from dlflask.train.numbers.parts import Parts

#: Share of fields without a number: empty cells.
_BLANK_SHARE = 0.01


def draw_field(
    material: Material, parts: Parts, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], str]:
    """Draw one field as a strip.

    Returns:
        The strip, (32, W) uint8 with ink = 255, and the number in it.
    """
    plane, label = draw_plane(material, parts, rng)
    return (255 * to_strip(plane).pixels + 0.5).astype(np.uint8), label


def draw_plane(material: Material, parts: Parts, rng: np.random.Generator) -> tuple[Plane, str]:
    """Draw one field as a camera sees it.

    Returns:
        (height, width) float32 in 0..255, ink higher than paper, and the number in it.
    """
    writing = write(draw_number(rng), material, parts, rng)
    ink, label = writing.ink, writing.label
    if rng.random() < _BLANK_SHARE:
        ink, label = np.zeros_like(ink), ""
    written = press(ink, parts, rng)
    neighbours = draw_neighbours(writing, material, parts, rng)
    if neighbours is not None:
        written = np.maximum(written, neighbours * max(0.3, float(written.max())))
    paper = draw_paper(writing, parts, rng)
    dark = (1 - (1 - written) * (1 - paper * np.float32(rng.uniform(0.4, 1)))).astype(np.float32)
    return expose(dark, writing.height, parts, rng), label


def is_readable(label: str, width: int) -> bool:
    """Return True if a strip of `width` has enough columns for CTC to spell `label`."""
    repeats = sum(first == second for first, second in pairwise(label))
    return len(label) + repeats <= width // STRIDE
