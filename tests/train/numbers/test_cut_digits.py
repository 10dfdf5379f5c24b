"""Digits cut from drawn fields, with a network that reads what it is told."""

import numpy as np
import pytest

from dlflask.numbers.characters import NUM_CLASSES, encode
from dlflask.numbers.normalization import STRIDE
from dlflask.train.numbers.cut_digits import cut_field, make_cut_digits
from dlflask.train.numbers.fields.field import Image
from tests.serving import ROOT


def two_bars():
    """Return a field with two vertical bars, 20 pixels apart."""
    pixels = np.full((60, 80), 255, np.uint8)
    pixels[10:50, 30:34] = pixels[10:50, 50:54] = 0
    return pixels


def network_that_reads(text):
    """Return a network that finds the characters of `text` at equal distances."""

    def forward(pixels):
        columns = pixels.shape[1] // STRIDE
        outputs = np.zeros((columns, NUM_CLASSES), np.float32)
        outputs[:, 0] = 1
        inked = np.flatnonzero(pixels.max(axis=0) > 0.5) / STRIDE
        for place, index in zip(
            np.linspace(inked[0], inked[-1], len(text)), encode(text), strict=True
        ):
            outputs[int(place)] = np.eye(NUM_CLASSES)[index]
        return outputs

    return forward


def test_cut_field():
    image = Image(two_bars(), "11", (0.1, 0.3, 0.9, 0.7))

    (first, one), (second, other) = cut_field(image, network_that_reads("11"))

    assert (one, other) == (1, 1)
    assert first.shape == second.shape == (28, 28)
    assert first.dtype == np.uint8
    assert first.max() == 255
    # Each digit is one bar; the other bar is cut off.
    for digit in (first, second):
        assert np.ptp(np.flatnonzero(digit.max(axis=0) > 100)) <= 4


@pytest.mark.parametrize("label", ["17", ""])
def test_cut_field_that_is_misread(label):
    assert cut_field(Image(two_bars(), label, (0, 0, 0, 0)), network_that_reads("11")) == []


def test_cut_field_that_shows_no_number():
    assert cut_field(Image(two_bars(), "", (0, 0, 0, 0)), network_that_reads("")) == []


def test_cut_field_without_ink():
    blank = Image(np.full((60, 80), 255, np.uint8), "1", (0, 0, 0, 0))

    assert cut_field(blank, network_that_reads("1")) == []


@pytest.mark.model
def test_make_cut_digits(material_folder, executor):
    model = ROOT / "number_model.h5"

    digits, labels = make_cut_digits(material_folder, model, 30, executor)

    assert digits.shape[1:] == (28, 28)
    assert len(digits) == len(labels) > 20
    assert labels.max() <= 9
    again, _ = make_cut_digits(material_folder, model, 30, executor)
    np.testing.assert_array_equal(again, digits)
