"""Scores of readings, by hand."""

import numpy as np
import pytest

from dlflask.numbers.characters import NUM_CLASSES, encode
from dlflask.train.numbers.scoring import keep_digits, read, score


def outputs_for(text):
    """Return outputs that spell `text`, with a blank after each character."""
    outputs = np.zeros((2 * len(text) + 1, NUM_CLASSES), np.float32)
    outputs[:, 0] = 0.5
    for place, index in enumerate(encode(text)):
        outputs[2 * place + 1, index] = 0.9
    return outputs


def test_read():
    assert read(outputs_for("1100.5-?")) == "1100.5-?"
    assert read(outputs_for("12.50"), digits_only=True) == "1250"


def test_score():
    pairs = (("12.50", "12.50"), ("12.50", "12,50"), ("7", "1"))

    result = score([(number, outputs_for(reading)) for number, reading in pairs])

    assert result.count == 3
    assert result.whole == pytest.approx(1 / 3)
    assert result.digits == pytest.approx(2 / 3)
    assert result.character_errors == pytest.approx(2 / 11)


def test_keep_digits():
    assert keep_digits("-1,2?.5") == "12?5"
