"""Two images drawn by code: a phone photo of a digit on ruled paper, and chalk on a board."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw

from dlflask.train.synthesis.stroke_drawing import parse

Colour = tuple[int, int, int]

PAPER: Colour = (236, 232, 220)
BOARD: Colour = (30, 60, 50)

#: Drawn at this many times the size and reduced, for smooth edges.
_OVERSAMPLING = 4
#: Paper on each side of a digit, as a part of the size.
_MARGIN = 0.2
_FIVE = "74,9 50,10 30,11; ~30,11 26,44 48,40 72,50 76,74 54,92 22,84"
_TWO = "~22,28 34,10 60,8 76,26 66,50 40,74 20,91; 20,91 50,89 82,90"


def photograph_five(size: int = 300) -> Image.Image:
    """Draw a blue 5 on ruled paper: tilted, in a shadow, with the grain of a phone's camera."""
    rng = np.random.default_rng(0)
    page = _draw(_FIVE, size, ink=(40, 60, 150), paper=PAPER, pen=0.035)
    tilted = page.rotate(6, Image.Resampling.BICUBIC, fillcolor=PAPER)
    light = np.minimum(np.asarray(tilted, np.float32), PAPER)
    light[8 :: size // 8] -= (40, 20, 0)
    light *= (np.linspace(1, 0.55, size) * np.linspace(1, 0.8, size)[:, None])[..., None]
    light += rng.normal(0, 4, light.shape)
    return Image.fromarray(np.clip(light, 0, 255).astype(np.uint8))


def draw_two_on_board(size: int = 300) -> Image.Image:
    """Draw a small 2 with chalk on a dark board, off to one side."""
    board = Image.new("RGB", (size, size), BOARD)
    two = _draw(_TWO, size // 3, ink=(245, 245, 235), paper=BOARD, pen=0.07)
    board.paste(two, (size // 2, size // 15))
    return board


def encode(image: Image.Image, kind: str) -> bytes:
    """Encode an image as a file of `kind`, such as PNG."""
    buffer = BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def _draw(figure: str, size: int, *, ink: Colour, paper: Colour, pen: float) -> Image.Image:
    """Draw a figure of `stroke_drawing` with a pen whose width is a part of the size."""
    side = size * _OVERSAMPLING
    image = Image.new("RGB", (side, side), paper)
    canvas = ImageDraw.Draw(image)
    radius = pen * side / 2
    for stroke in parse(figure):
        points = [tuple(point) for point in (stroke / 100 * (1 - 2 * _MARGIN) + _MARGIN) * side]
        canvas.line(points, fill=ink, width=round(2 * radius), joint="curve")
        for x, y in points:
            canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)
    return image.resize((size, size), Image.Resampling.BOX)
