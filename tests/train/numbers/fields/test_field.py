"""Fields: the same for the same seed, and labelled with what is drawn."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from dlflask.numbers.characters import UNREADABLE
from dlflask.numbers.lines.line_finding import find_lines
from dlflask.numbers.lines.page import Page, measure
from dlflask.numbers.normalization import to_strip
from dlflask.train.numbers.fields.characters import choose_forms
from dlflask.train.numbers.fields.field import draw_field, draw_image, is_readable
from dlflask.train.numbers.fields.writing import write
from dlflask.train.numbers.parts import ALL, NAMES

PLAIN = ALL.without(*NAMES)


def draw_many(material, parts, count, seed=0):
    rng = np.random.default_rng(seed)
    return [draw_field(material, parts, rng) for _ in range(count)]


def test_draw_field_of_one_seed(material):
    first, second = (draw_many(material, ALL, 40) for _ in range(2))

    for (ours, label), (theirs, same) in zip(first, second, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert label == same


@pytest.mark.parametrize("left_out", NAMES)
def test_draw_field_without_part(material, left_out):
    for strip, label in draw_many(material, ALL.without(left_out), 20, seed=1):
        assert strip.shape[0] == 32
        assert strip.dtype == np.uint8
        assert left_out != "unreadable" or UNREADABLE not in label


def test_draw_image_edges_enclose_the_number(material):
    rng = np.random.default_rng(3)
    for _ in range(20):
        image = draw_image(material, PLAIN, rng)
        if image.label:
            height, width = image.pixels.shape
            top, left, bottom, right = np.array(image.edges) * (height, width, height, width)
            rows, columns = np.nonzero(image.pixels < image.pixels.mean())
            assert top - 1 <= rows.min() <= rows.max() <= bottom + 1
            assert left - 1 <= columns.min() <= columns.max() <= right + 1


def test_draw_field_is_the_line_of_the_service(material):
    shared = 0
    for seed in range(20):
        strip, _ = draw_field(material, PLAIN, np.random.default_rng(seed))
        image = draw_image(material, PLAIN, np.random.default_rng(seed))
        if image.label:
            page = Page(*measure(image.pixels), 1.0)
            lines = [255 * to_strip(line.distance).pixels for line in find_lines(page)]
            shared += any(
                line.shape == strip.shape and np.abs(line - strip).max() <= 1 for line in lines
            )

    assert shared >= 10


def test_blank_fields_have_no_label(material):
    fields = draw_many(material, PLAIN, 800, seed=2)

    blank = [label for strip, label in fields if strip.max() == 0]
    assert blank
    assert not any(blank)
    assert all(label for strip, label in fields if strip.max() > 0)


def test_every_hand_writes_the_digit(material):
    filed = [
        {
            *material.by_slant[digit].tolist(),
            *np.concatenate(material.by_style[digit]).tolist(),
            *(font[digit] for font in material.by_font),
            *np.concatenate([writer[digit] for writer in material.by_writer]).tolist(),
        }
        for digit in range(10)
    ]
    for seed in range(200):
        choose = choose_forms(material, ALL, np.random.default_rng(seed))
        for digit in range(10):
            line = choose(digit)
            assert line.number in filed[digit]
            assert not line.own or line.number < len(material.ink)


def test_write_keeps_separators_apart(material):
    blobs = [
        ndimage.label(write("1.0", material, PLAIN, np.random.default_rng(seed)).ink > 0.3)[1]
        for seed in range(40)
    ]

    assert np.mean([count >= 3 for count in blobs]) > 0.6


def test_write_marks_unreadable_digits(material):
    numbers = [
        write("1234567", material, ALL, np.random.default_rng(seed)).label for seed in range(300)
    ]

    spoiled = [number for number in numbers if UNREADABLE in number]
    assert 5 <= len(spoiled) <= 60
    for number in spoiled:
        assert all(a in (b, UNREADABLE) for a, b in zip(number, "1234567", strict=True))


@pytest.mark.parametrize(
    ("label", "width", "expected"),
    [("12", 8, True), ("11", 8, False), ("11", 12, True), ("", 4, True)],
)
def test_is_readable(label, width, expected):
    assert is_readable(label, width) is expected


def test_write_joins_zeros(material):
    parts = replace(PLAIN, spacing=True)

    def count_figures(number):
        """Return the mean number of connected figures in 150 drawings of `number`."""
        drawings = [write(number, material, parts, np.random.default_rng(i)) for i in range(150)]
        assert {drawing.label for drawing in drawings} == {number}
        return np.mean([ndimage.label(drawing.ink > 0.3)[1] for drawing in drawings])

    assert count_figures("1000") < count_figures("1321") - 0.2
