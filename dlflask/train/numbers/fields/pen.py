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


@dataclass(frozen=True, eq=False)
class Form:
    """Rotation and bend of one character.

    Attributes:
        turn: Rotation in radians.
        bend: (3, 3, 2), movements in x and y of the points of a grid over the character, in pixels.
            The first axis contains the rows of the grid, the second axis its columns.
    """

    turn: float
    bend: NDArray[np.float64]


#: Points of the grid over a character, relative to its size. The origin is the middle.
_GRID = np.stack(np.meshgrid([-0.5, 0, 0.5], [-0.5, 0, 0.5]), axis=-1)

#: Form of a character that is neither turned nor bent.
STRAIGHT = Form(0.0, np.zeros((3, 3, 2)))


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


def draw_line(
    material: Material, line: Line, height: float, pen: Pen, form: Form = STRAIGHT
) -> Glyph:
    """Draw a line of `material` with `pen`.

    Args:
        material: Lines to draw.
        line: The line.
        height: Height of the character in pixels.
        pen: Pen and slant.
        form: Rotation and bend.
    """
    turn = form.turn
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
    size = columns, rows
    grid = _map_grid(size, forward, middle, form.bend)
    if line.own:
        values = _warp(material.ink[line.number], size, grid, 0)
        ink = np.minimum(values * np.float32(1.15 / 255), 1)
    else:
        far = MAX_DISTANCE * UNITS
        values = _warp(material.lines[line.number], size, grid, far)
        ink = _stroke(values * np.float32(scale_y / UNITS), pen)
    return Glyph(ink, pad, advance + max(0.0, abs(pen.shear) * tall * 0.3))


def _map_grid(
    size: tuple[int, int],
    forward: NDArray[np.float64],
    middle: NDArray[np.float64],
    bend: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the points of a line's distance field that the 3 x 3 grid of a patch must show.

    Args:
        size: Columns and rows of the patch.
        forward: (2, 2) matrix that maps the distance field to the patch.
        middle: Point of the distance field that comes to the middle of the patch.
        bend: See `Form`.

    Returns:
        (3, 3, 2): rows and columns of the grid; x and y in pixels of the distance field.
    """
    moved = _GRID * size + bend
    mapped: NDArray[np.float64] = moved @ np.linalg.inv(forward).T + middle
    return mapped


def _warp(
    source: NDArray[np.uint8], size: tuple[int, int], grid: NDArray[np.float64], outside: int
) -> Canvas:
    """Return a patch of `size`. The points of its 3 x 3 grid show the points `grid` of `source`.

    Pixels between the grid points are interpolated. Pixels from outside `source` get `outside`.
    """
    xs, ys = ((0, side // 2, side) for side in size)
    points = grid * (len(source) / FIELD_SIZE)
    # Each quarter of the patch, with its four corners in `source`. The corners are listed
    # counterclockwise from the upper left one.
    quarters = [
        (
            (xs[column], ys[row], xs[column + 1], ys[row + 1]),
            tuple(points[row : row + 2, column : column + 2][[0, 1, 1, 0], [0, 0, 1, 1]].flat),
        )
        for row in range(2)
        for column in range(2)
    ]
    warped = Image.fromarray(source).transform(
        size, Image.Transform.MESH, quarters, Image.Resampling.BILINEAR, fillcolor=outside
    )
    return np.asarray(warped, np.float32)


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
