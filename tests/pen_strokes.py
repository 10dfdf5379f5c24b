"""Drawn digits and photographs of them, without files, network or Keras."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

#: Pen strokes as points on a sheet of 100 x 100; none is the mirror image of another.
STROKES = {
    1: [[(38, 26), (52, 12), (52, 88)]],
    2: [[(30, 28), (45, 12), (64, 18), (66, 38), (30, 86), (72, 84)]],
    4: [[(56, 12), (26, 60), (76, 60)], [(60, 40), (58, 88)]],
    5: [[(66, 14), (36, 14), (34, 46), (60, 46), (68, 66), (54, 86), (30, 80)]],
    7: [[(28, 16), (72, 16), (44, 88)]],
}


def draw_digit(digit: int, side: int = 120, width: int = 7) -> Image.Image:
    """Draw white ink on black, mode L, `side` pixels wide; `width` is in hundredths of `side`."""
    large = Image.new("L", (side * 4, side * 4))
    pen = ImageDraw.Draw(large)
    scale, radius = side * 4 / 100, side * 4 * width / 200
    for stroke in STROKES[digit]:
        points = [(x * scale, y * scale) for x, y in stroke]
        pen.line(points, fill=255, width=round(2 * radius), joint="curve")
        for x, y in points:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return large.resize((side, side), Image.Resampling.BOX)


def photograph(
    digit: Image.Image,
    paper: tuple[int, int, int] = (225, 222, 210),
    pen: tuple[int, int, int] = (35, 40, 90),
    light: NDArray[np.float32] | float = 1.0,
    noise: float = 2.0,
) -> Image.Image:
    """Return the digit drawn by `pen` on `paper`, lit by `light`, with the noise of a camera."""
    cover = np.asarray(digit.filter(ImageFilter.GaussianBlur(0.7)), np.float32)[..., None] / 255
    colours = np.array(paper) * (1 - cover) + np.array(pen) * cover
    if not isinstance(light, float):
        colours = colours * light[..., None]
    grain = np.random.default_rng(0).normal(0, noise, colours.shape)
    return Image.fromarray(np.clip(colours + grain, 0, 255).astype(np.uint8))


def draw_mnist_digit(digit: int) -> NDArray[np.uint8]:
    """Draw 28 x 28 pixels as in MNIST: 20 pixels long, its centre of mass in the middle."""
    ink = draw_digit(digit, 400)
    box = ink.crop(ink.getbbox())
    scale = 20 / max(box.size)
    size = max(1, round(box.width * scale)), max(1, round(box.height * scale))
    small = np.asarray(box.resize(size, Image.Resampling.BOX)).copy()
    small[small == small.max()] = 255
    rows, columns = np.indices(small.shape)
    top = round(14 - float((rows * small).sum() / small.sum()))
    left = round(14 - float((columns * small).sum() / small.sum()))
    image = np.zeros((28, 28), np.uint8)
    image[top : top + small.shape[0], left : left + small.shape[1]] = small
    return image


def difference(tensor: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """Return the mean difference of two tensors, 0..1, at the best shift of at most a pixel.

    Digits are placed by whole pixels, so a tiny change may shift one by a pixel.
    """
    shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return min(float(np.abs(np.roll(tensor, by, (0, 1)) - expected).mean()) for by in shifts)


@pytest.fixture(params=sorted(STROKES), ids=lambda digit: f"digit-{digit}")
def digit(request: pytest.FixtureRequest) -> int:
    """Label of each digit that can be drawn, in turn."""
    number: int = request.param
    return number


@pytest.fixture(name="drawing")
def a_drawing(digit: int) -> Image.Image:
    """White ink on black, 120 x 120."""
    return draw_digit(digit)


@pytest.fixture
def mnist_digit(digit: int) -> NDArray[np.uint8]:
    """(28, 28) uint8 that follows MNIST's rule."""
    return draw_mnist_digit(digit)
