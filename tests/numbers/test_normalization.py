"""Strips: one size and contrast for lines of any size, paper and light."""

import numpy as np
import pytest

from dlflask.numbers.normalization import HEIGHT, MARGIN, MAX_WIDTH, STRIDE, to_strip


def line_of_bars(height, width, paper=0.0, ink=1.0):
    line = np.full((height, width), paper, np.float32)
    for left in range(height // 2, width - height // 2, height):
        line[height // 6 : -height // 6, left : left + height // 8] = ink
    return line


@pytest.mark.parametrize("height", [20, 32, 64, 96])
def test_to_strip_of_any_height(height):
    strip = to_strip(line_of_bars(height, 5 * height))

    assert strip.pixels.shape == (HEIGHT, 5 * HEIGHT + 2 * MARGIN)
    assert strip.pixels.dtype == np.float32
    assert strip.pixels.min() == 0
    assert strip.pixels.max() == 1
    first = MARGIN + HEIGHT / 2
    bar = np.flatnonzero(strip.pixels[HEIGHT // 2, : MARGIN + HEIGHT] > 0.5)
    assert abs(bar[0] - first) <= 1
    assert abs(strip.to_line(bar[0]) - height / 2) <= height / HEIGHT


def test_to_strip_of_other_units():
    plain = to_strip(line_of_bars(32, 160))

    shifted = to_strip(line_of_bars(32, 160, paper=90.0, ink=200.0))

    np.testing.assert_allclose(shifted.pixels, plain.pixels, atol=1e-5)


def test_to_strip_under_shadow():
    plain = line_of_bars(32, 320)
    shadow = np.linspace(0, 1.0, 320, dtype=np.float32)

    strip = to_strip(plain + shadow)

    np.testing.assert_allclose(strip.pixels, to_strip(plain).pixels, atol=0.12)


@pytest.mark.parametrize("level", [0.0, 0.1, 7.0, 123.4])
def test_to_strip_of_even_line(level):
    strip = to_strip(np.full((51, 333), level, np.float32))

    assert not strip.pixels.any()


@pytest.mark.parametrize("width", [1, 2, 33, 5_000])
def test_to_strip_width(width):
    strip = to_strip(np.eye(32, width, dtype=np.float32))

    assert strip.pixels.shape[1] % STRIDE == 0
    assert strip.pixels.shape[1] <= MAX_WIDTH
