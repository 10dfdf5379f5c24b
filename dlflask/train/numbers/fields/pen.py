"""Drawing of single characters with a pen of any width and slant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dlflask.train.numbers.fields.material import Material
from dlflask.train.synthesis.skeletonize import FIELD_SIZE, MAX_DISTANCE, UNITS

Canvas = NDArray[np.float32]


@dataclass(frozen=True)
class Pen:
    """Pen and slant of the hand that writes a whole field.

    Attributes:
        width: Width of the strokes in pixels.
        edge: Width of the blurred edge of the strokes in pixels.
        shear: Slant to the right, in columns for each row.
        stretch: Width of the characters relative to their usual width.
    """

    width: float
    edge: float
    shear: float = 0.0
    stretch: float = 1.0


class Line(NamedTuple):
    """Choice of a line of the material.

    Attributes:
        number: Index of the line.
        own: True to draw MNIST's own ink instead of drawing along the line with the pen.
    """

    number: int
    own: bool = False


@dataclass(frozen=True)
class Glyph:
    """One drawn character.

    Attributes:
        ink: (height, width) float32 in 0..1.
        pad: Number of rows and of columns of paper on each side of the character.
        advance: Width of the character in pixels.
    """

    ink: Canvas
    pad: int
    advance: float


def draw_line(material: Material, line: Line, height: float, pen: Pen, turn: float = 0.0) -> Glyph:
    """Draw a line of `material` with `pen`.

    Args:
        material: Lines to draw.
        line: The line.
        height: Height of the character in pixels.
        pen: Pen and slant.
        turn: Rotation in radians.
    """
    left, top, right, bottom = (float(edge) for edge in material.boxes[line.number])
    # Do not enlarge a flat character to the full height: a dash would become a thick beam.
    scale_y = height / max(bottom - top, 0.7 * (right - left))
    scale_x = scale_y * pen.stretch
    advance = (right - left) * scale_x
    tall = (bottom - top) * scale_y
    pad = int(pen.width / 2 + 2)
    rows = int(np.ceil(tall + 2 * pad))
    columns = int(np.ceil(advance + abs(pen.shear) * tall + abs(turn) * tall + 2 * pad))
    forward = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    forward = forward @ np.array([[1, -pen.shear], [0, 1]]) @ np.diag([scale_x, scale_y])
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    if line.own:
        values = _move(material.ink[line.number], forward, middle, (columns, rows), 0)
        ink = np.minimum(values * np.float32(1.15 / 255), 1)
    else:
        far = MAX_DISTANCE * UNITS
        values = _move(material.lines[line.number], forward, middle, (columns, rows), far)
        ink = _stroke(values * np.float32(scale_y / UNITS), pen)
    return Glyph(ink, pad, advance + max(0.0, abs(pen.shear) * tall * 0.3))


def _move(
    source: NDArray[np.uint8],
    forward: NDArray[np.float64],
    middle: NDArray[np.float64],
    size: tuple[int, int],
    outside: int,
) -> Canvas:
    """Return `source` mapped by the matrix `forward` to a patch of `size`, (columns, rows).

    The point `middle` of `source` comes to the middle of the patch.
    """
    factor = len(source) / FIELD_SIZE
    backward = np.linalg.inv(forward) * factor
    offset = middle * factor - backward @ np.array([size[0] / 2, size[1] / 2])
    moved = Image.fromarray(source).transform(
        size,
        Image.Transform.AFFINE,
        (*backward[0], offset[0], *backward[1], offset[1]),
        Image.Resampling.BILINEAR,
        fillcolor=outside,
    )
    return np.asarray(moved, np.float32)


def draw_segment(start: tuple[float, float], stop: tuple[float, float], pen: Pen) -> Glyph:
    """Draw a straight stroke from `start` to `stop`, both (x, y) in pixels."""
    pad = int(pen.width / 2 + 2)
    (x0, y0), (x1, y1) = start, stop
    left, top = min(x0, x1) - pad, min(y0, y1) - pad
    columns = int(abs(x1 - x0) + 2 * pad + 1)
    rows = int(abs(y1 - y0) + 2 * pad + 1)
    y, x = np.ogrid[:rows, :columns]
    dx, dy = x1 - x0, y1 - y0
    px, py = x + (left - x0), y + (top - y0)
    along = np.clip((px * dx + py * dy) / max(1e-6, dx * dx + dy * dy), 0, 1)
    distance = np.hypot(px - along * dx, py - along * dy).astype(np.float32)
    return Glyph(_stroke(distance, pen), pad, abs(dx))


def _stroke(distance: Canvas, pen: Pen) -> Canvas:
    """Draw ink on all pixels that are nearer to the line than half the width of the pen."""
    inside = np.float32(pen.width / 2 + 0.15) - distance
    ink: Canvas = np.clip(inside / np.float32(pen.edge) + np.float32(0.5), 0, 1)
    return ink


def paste(canvas: Canvas, ink: Canvas, left: float, top: float) -> None:
    """Add `ink` to `canvas` at whole pixels. Parts beyond the edges of `canvas` are cut off."""
    x, y = round(left), round(top)
    x0, y0 = max(0, x), max(0, y)
    x1, y1 = min(canvas.shape[1], x + ink.shape[1]), min(canvas.shape[0], y + ink.shape[0])
    if x0 < x1 and y0 < y1:
        target = canvas[y0:y1, x0:x1]
        np.maximum(target, ink[y0 - y : y1 - y, x0 - x : x1 - x], out=target)
