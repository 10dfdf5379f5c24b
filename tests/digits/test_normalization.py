"""Normalisation of digits at any position and size, among specks and ruled lines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from dlflask.digits.normalization import BOX, SIZE, is_normalized, normalize, read_tensor
from dlflask.errors import BlankImage
from tests.conftest import encode as to_bytes
from tests.pen_strokes import difference, draw_digit, photograph


def tensor_of(image: Image.Image) -> NDArray[np.float32]:
    return read_tensor(to_bytes(image))


@pytest.mark.parametrize("variant", ["grey", "inverted", "transparent"])
def test_read_tensor_keeps_mnist_digit(variant, mnist_digit):
    grey = Image.fromarray(mnist_digit)
    clear = Image.merge("LA", (Image.new("L", grey.size), grey))
    images = {"grey": grey, "inverted": grey.point(lambda v: 255 - v), "transparent": clear}

    tensor = tensor_of(images[variant])

    np.testing.assert_array_equal(tensor, mnist_digit.astype(np.float32) / np.float32(255))


@pytest.mark.parametrize("noise", [-1e-6, 0.0, 1e-6])
def test_normalize_symmetrical_digit(noise):
    ink = np.zeros((60, 60), np.float32)
    ink[20:40, 25:30] = 1
    upright = normalize(ink)
    ink[20:30] += np.float32(noise)

    np.testing.assert_array_equal(normalize(np.clip(ink, 0, 1)) > 0.5, upright > 0.5)
    # 5 columns are centred on column 14. 20 rows have their middle between two and move down.
    assert list(np.flatnonzero((upright > 0.5).any(axis=0))) == [12, 13, 14, 15, 16]
    assert np.flatnonzero((upright > 0.5).any(axis=1))[0] == 5


def test_read_tensor_follows_mnist_rule(drawing):
    tensor = tensor_of(drawing)

    assert tensor.shape == (SIZE, SIZE)
    assert tensor.dtype == np.float32
    assert 0 <= tensor.min() <= tensor.max() <= 1
    rows, columns = np.nonzero(tensor)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 in (BOX - 1, BOX)
    middle = [float((axis * tensor).sum() / tensor.sum()) for axis in np.indices(tensor.shape)]
    # Half a pixel of rounding, and the limit of 0 to 8 pixels for the position of the box.
    assert np.abs(np.array(middle) - SIZE / 2).max() < 0.6


@given(left=st.integers(0, 180), top=st.integers(0, 80))
@settings(max_examples=25, deadline=None)
def test_read_tensor_digit_at_any_position(left, top):
    page = Image.new("L", (300, 200))
    page.paste(draw_digit(5), (left, top))

    tensor = tensor_of(page)

    assert difference(tensor, tensor_of(draw_digit(5))) < 0.03


@pytest.mark.parametrize("scale", [0.3, 0.5, 0.8, 1.5, 2, 3])
def test_read_tensor_digit_of_any_size(scale, digit):
    side = round(120 * scale)

    tensor = tensor_of(draw_digit(digit, side))

    assert difference(tensor, tensor_of(draw_digit(digit))) < 0.05


def test_read_tensor_clears_specks_and_cut_strokes(drawing):
    page = Image.new("L", (240, 240))
    page.paste(drawing, (60, 60))
    pen = ImageDraw.Draw(page)
    for x, y in ((20, 30), (200, 40), (30, 200), (120, 225)):
        pen.ellipse((x, y, x + 3, y + 3), fill=255)
    pen.line((239, 100, 225, 140), fill=255, width=6)

    tensor = tensor_of(page)

    assert difference(tensor, tensor_of(drawing)) < 0.01


def ruled(side: int, gap: int, *, grid: bool, slope: float) -> Image.Image:
    """Draw white lines on black, 2 pixels thick."""
    page = Image.new("L", (side, side))
    pen = ImageDraw.Draw(page)
    for start in range(gap // 2, side, gap):
        pen.line((0, start, side, start + slope * side), fill=110, width=2)
        if grid:
            pen.line((start, 0, start - slope * side, side), fill=110, width=2)
    return page


PAPERS = {
    "ruled": {"grid": False, "slope": 0.0},
    "ruled-tilted": {"grid": False, "slope": 0.02},
    "grid": {"grid": True, "slope": 0.0},
    "grid-tilted": {"grid": True, "slope": 0.02},
}


@pytest.mark.parametrize("paper", PAPERS.values(), ids=PAPERS)
def test_read_tensor_clears_printed_lines(paper, digit):
    drawing = draw_digit(digit, 200, width=9)
    lines = np.maximum(np.asarray(ruled(200, 44, **paper)), np.asarray(drawing))

    tensor = tensor_of(photograph(Image.fromarray(lines)))

    assert difference(tensor, tensor_of(drawing)) < 0.06


@pytest.mark.parametrize("paper", PAPERS.values(), ids=PAPERS)
def test_read_tensor_ruled_paper_without_digit(paper):
    with pytest.raises(BlankImage):
        tensor_of(photograph(ruled(200, 44, **paper)))


def test_read_tensor_keeps_tightly_cropped_one():
    stroke = Image.new("L", (60, 120))
    ImageDraw.Draw(stroke).line((30, 0, 30, 119), fill=255, width=8)

    tensor = tensor_of(stroke)

    assert np.count_nonzero(tensor.any(axis=1)) == BOX


@pytest.mark.parametrize("width", [2, 4, 7, 12])
def test_read_tensor_strokes_of_any_width(width, digit):
    tensor = tensor_of(draw_digit(digit, 200, width=width))

    level = float((tensor * tensor).sum() / tensor.sum())
    assert 0.6 < level <= 1


@pytest.mark.parametrize("side", [8, 10, 14])
def test_read_tensor_tiny_digit(side):
    page = Image.new("L", (40, 40))
    page.paste(draw_digit(7, side, width=14), (20, 6))

    assert tensor_of(page).sum() > 20


def test_read_tensor_dot():
    page = Image.new("L", (100, 100))
    page.putpixel((50, 50), 255)

    with pytest.raises(BlankImage, match="less than 4 pixels"):
        tensor_of(page)


def test_normalize_without_ink():
    with pytest.raises(BlankImage, match="Write one digit"):
        normalize(np.zeros((28, 28), np.float32))


@pytest.mark.parametrize(
    "shape", [(27, 28), (28, 29), (56, 56)], ids=lambda shape: f"{shape[0]}x{shape[1]}"
)
def test_is_normalized_other_shape(shape):
    assert not is_normalized(np.ones(shape, np.float32))


@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 60), st.integers(1, 60)),
        elements=st.floats(0, 1, width=32),
    )
)
@settings(max_examples=60, deadline=None)
def test_normalize_any_ink(ink):
    try:
        tensor = normalize(ink)
    except BlankImage:
        return
    assert tensor.shape == (SIZE, SIZE)
    assert np.isfinite(tensor).all()
    assert tensor.min() >= 0
    assert tensor.max() <= 1
