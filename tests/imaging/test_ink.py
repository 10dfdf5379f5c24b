"""Ink extraction on any paper and in any light, and from blank images."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from dlflask.digits.normalization import normalize
from dlflask.errors import BlankImage
from dlflask.imaging.ink import extract_ink
from tests.pen_strokes import difference, draw_digit, photograph

SIDE = 200


def planes(image: Image.Image) -> NDArray[np.uint8]:
    """Return (3, height, width) uint8, as the decoder does."""
    return np.ascontiguousarray(np.moveaxis(np.asarray(image), 2, 0))


def slope() -> NDArray[np.float32]:
    y, x = np.indices((SIDE, SIDE), np.float32) / SIDE
    return 0.45 + 0.35 * x + 0.2 * y


def lamp() -> NDArray[np.float32]:
    y, x = np.indices((SIDE, SIDE), np.float32) / SIDE - 0.5
    return 1 - 1.1 * (x * x + y * y)


def soft_shadow() -> NDArray[np.float32]:
    y, x = np.indices((SIDE, SIDE), np.float32) / SIDE
    return 1 - 0.4 / (1 + np.exp((0.5 - x + 0.3 * y) * 25))


def hard_shadow() -> NDArray[np.float32]:
    y, x = np.indices((SIDE, SIDE), np.float32) / SIDE
    return np.where(x + 0.4 * y > 0.8, np.float32(0.6), np.float32(1))


LIGHTS = {"slope": slope, "lamp": lamp, "soft-shadow": soft_shadow, "hard-shadow": hard_shadow}

COLOURS = {
    "blue-on-white": ((240, 240, 238), (40, 60, 190)),
    "red-on-white": ((240, 240, 238), (200, 30, 40)),
    "pencil-on-white": ((240, 240, 238), (175, 175, 178)),
    "black-on-yellow": ((250, 230, 110), (20, 20, 20)),
    "red-on-green": ((150, 200, 150), (190, 60, 60)),
    "chalk-on-board": ((40, 62, 50), (225, 228, 222)),
    "dark-photo": ((60, 58, 55), (12, 12, 14)),
}


@pytest.mark.parametrize(("paper", "pen"), COLOURS.values(), ids=COLOURS)
def test_extract_ink_of_any_pen_and_paper(paper, pen, digit):
    drawing = draw_digit(digit, SIDE)

    tensor = normalize(extract_ink(planes(photograph(drawing, paper, pen))))

    assert_alike(tensor, normalize(extract_ink(np.asarray(drawing))))


@pytest.mark.parametrize("light", LIGHTS.values(), ids=LIGHTS)
def test_extract_ink_in_uneven_light(light, digit):
    drawing = draw_digit(digit, SIDE)

    tensor = normalize(extract_ink(planes(photograph(drawing, light=light()))))

    assert_alike(tensor, normalize(extract_ink(np.asarray(drawing))))


@pytest.mark.parametrize("light", LIGHTS.values(), ids=LIGHTS)
@pytest.mark.parametrize("noise", [0.5, 3.0, 10.0])
def test_extract_ink_of_empty_paper(light, noise):
    empty = photograph(Image.new("L", (SIDE, SIDE)), light=light(), noise=noise)

    with pytest.raises(BlankImage):
        normalize(extract_ink(planes(empty)))


def test_extract_ink_with_table_around_paper(digit):
    drawing = draw_digit(digit, SIDE)
    photo = photograph(drawing)
    ImageDraw.Draw(photo).rectangle((0, 0, SIDE - 1, SIDE - 1), outline=(60, 45, 35), width=14)

    tensor = normalize(extract_ink(planes(photo)))

    assert_alike(tensor, normalize(extract_ink(np.asarray(drawing))))


def test_extract_ink_of_bold_cropped_digit(digit):
    drawing = draw_digit(digit, SIDE, width=13)
    left, top, right, bottom = drawing.getbbox()
    drawing = drawing.crop((left - 8, top - 8, right + 8, bottom + 8))

    tensor = normalize(extract_ink(planes(photograph(drawing))))

    assert_alike(tensor, normalize(extract_ink(np.asarray(drawing))))


@pytest.mark.parametrize("paper", [0, 255], ids=["black", "white"])
def test_extract_ink_on_black_or_white_keeps_values(paper, mnist_digit):
    pixels = mnist_digit if paper == 0 else 255 - mnist_digit

    ink = extract_ink(pixels)

    np.testing.assert_array_equal(ink, mnist_digit.astype(np.float32) / np.float32(255))


@pytest.mark.parametrize("grey", [40, 150, 220])
def test_extract_ink_of_faint_pen_on_even_paper(grey):
    drawing = np.asarray(draw_digit(5, SIDE), np.float32) / 255
    pixels = np.round(255 - drawing * (255 - grey)).astype(np.uint8)

    ink = extract_ink(pixels)

    np.testing.assert_allclose(ink, drawing, atol=0.02)


def assert_alike(tensor: NDArray[np.float32], expected: NDArray[np.float32]) -> None:
    """Assert that both show the same strokes; soft edges may differ."""
    assert difference(tensor, expected) < 0.06
