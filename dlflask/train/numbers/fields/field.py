"""Drawing of one field: a number, its writing, its paper and its image.

The number network gets a field as a strip, the image of a line, 32 pixels high.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dlflask.errors import BlankImage
from dlflask.imaging.resize import Plane
from dlflask.numbers.lines.line_finding import find_lines
from dlflask.numbers.lines.page import Page, measure
from dlflask.numbers.normalization import STRIDE, to_strip
from dlflask.train.numbers.fields.camera import expose, press
from dlflask.train.numbers.fields.material import Material
from dlflask.train.numbers.fields.paper import draw_neighbours, draw_paper
from dlflask.train.numbers.fields.pen import Canvas
from dlflask.train.numbers.fields.strings import draw_number
from dlflask.train.numbers.fields.writing import write
from dlflask.train.numbers.parts import Parts

#: Share of fields without a number, such as empty cells of a table.
_BLANK_SHARE = 0.01

#: Share of fields on plain paper, seen by a good camera or scanner.
_CLEAN_SHARE = 0.35

#: Share of fields from which the line is cut out, as the service does it. The network gets the
#: other fields as a whole, so that it also learns lines that the service cuts out wrongly.
_LINE_SHARE = 0.75

#: Minimum ink of a pixel that belongs to the number.
_INKED = 0.1

#: Maximum part of the number that may be outside the line on each side, relative to the height of
#: the number.
_TOLERANCE = 0.08


@dataclass(frozen=True, eq=False)
class Image:
    """Image of a field.

    Attributes:
        pixels: (height, width) uint8, as in an image file.
        label: The number, with "?" in place of each unreadable character.
        edges: Top, left, bottom and right edge of the number, relative to the image, 0..1.
    """

    pixels: NDArray[np.uint8]
    label: str
    edges: tuple[float, float, float, float]


def draw_field(
    material: Material, parts: Parts, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], str]:
    """Draw one field and make a strip of it, by the same steps as the service.

    Returns:
        The strip, (32, W) uint8 with ink = 255, and the number in it.
    """
    while True:
        image = draw_image(material, parts, rng)
        try:
            line = _find_line(image, is_cut_out=rng.random() < _LINE_SHARE)
        except BlankImage:
            if image.label:  # the number is too faint for the service
                continue
            line = np.zeros(image.pixels.shape, np.float32)
        return (255 * to_strip(line).pixels + 0.5).astype(np.uint8), image.label


def draw_image(material: Material, parts: Parts, rng: np.random.Generator) -> Image:
    """Draw one field as a camera sees it."""
    if rng.random() < _CLEAN_SHARE:
        parts = parts.without("patterns", "cameras")
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
    plane = expose(dark, writing.height, parts, rng)
    return Image(np.clip(255 - plane, 0, 255).astype(np.uint8), label, _find_edges(ink))


def _find_edges(ink: Canvas) -> tuple[float, float, float, float]:
    """Return the `edges` of the number, or zeros without a number."""
    mask = ink > _INKED
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return 0.0, 0.0, 0.0, 0.0
    height, width = ink.shape
    top, bottom = int(rows[0]) / height, (int(rows[-1]) + 1) / height
    return top, int(columns[0]) / width, bottom, (int(columns[-1]) + 1) / width


def _find_line(image: Image, *, is_cut_out: bool) -> Plane:
    """Return the line that shows the whole number, or else the whole field.

    The result is the distance of each pixel from the colour of the paper. If `is_cut_out` is False,
    it is always the whole field.

    Raises:
        BlankImage: Every pixel looks like paper.
    """
    distance, ink = measure(image.pixels)
    if not (is_cut_out and image.label):
        return distance
    height, width = image.pixels.shape
    edges = np.array(image.edges) * (height, width, height, width)
    slack = _TOLERANCE * (edges[2] - edges[0]) + 1
    for line in find_lines(Page(distance, ink, 1.0)):
        top, left, bottom, right = line.box
        if max(top - edges[0], left - edges[1], edges[2] - bottom, edges[3] - right) <= slack:
            return line.distance
    return distance


def is_readable(label: str, width: int) -> bool:
    """Return True if a strip `width` pixels wide has enough columns of outputs for `label`.

    CTC needs a column for each character, and a column for a blank between equal neighbours.
    """
    repeats = sum(first == second for first, second in pairwise(label))
    return len(label) + repeats <= width // STRIDE
