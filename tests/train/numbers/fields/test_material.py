"""Material: each line belongs to the digit under which it is filed."""

import numpy as np
import pytest

from dlflask.train.numbers.fields.hands import STYLES
from dlflask.train.numbers.fields.material import load_material, make_material


def test_material_of_mnist(material, source):
    for digit, lines in enumerate(material.by_slant):
        assert set(source.labels[lines]) <= {digit}
    assert sum(map(len, material.by_slant)) == len(source.images)
    np.testing.assert_array_equal(material.ink, source.images)


def test_material_of_styles(material):
    for digit, styles in enumerate(material.by_style):
        assert len(styles) == len(STYLES[digit])
        # Two drawings of one form are near each other: each has ink where the other one has.
        for first, *_ in styles:
            assert material.lines[first].min() == 0


def test_material_groups_are_apart(material, source):
    groups = [
        np.arange(len(source.images)),
        *(lines for styles in material.by_style for lines in styles),
        np.ravel(material.by_font),
        *(lines for writer in material.by_writer for lines in writer),
        *material.joined_zeros,
        material.marks,
    ]
    together = np.concatenate(groups)
    assert len(set(together.tolist())) == len(together) == len(material.lines)


def test_material_of_writers(material, source):
    for writer, by_digit in zip(source.writers, material.by_writer, strict=True):
        assert [len(lines) for lines in by_digit] == np.bincount(
            writer.labels, minlength=10
        ).tolist()
    one, other = material.writer_shares
    assert one + other == pytest.approx(1)
    assert other / one == pytest.approx(10**0.5)


def test_boxes_enclose_lines(material):
    for line, (left, top, right, bottom) in zip(material.lines, material.boxes, strict=True):
        rows, columns = np.nonzero(line == 0)
        assert (left, top, right, bottom) == (
            columns.min(),
            rows.min(),
            columns.max() + 1,
            rows.max() + 1,
        )


def test_make_material_of_one_seed(material, source, executor):
    again = make_material(source, 1, executor, size=200)

    np.testing.assert_array_equal(again.lines, material.lines)


def test_load_material(material, material_folder):
    loaded = load_material(material_folder)

    np.testing.assert_array_equal(loaded.lines, material.lines)
    assert loaded.by_font == material.by_font
