"""Features of a line: probabilities near 1 stay apart."""

import numpy as np
import pytest

from dlflask.digits.prediction import Prediction
from dlflask.numbers.agreement import LEAST, features
from dlflask.numbers.prediction import Box, Character


def digit(label, probability, *, seen=None):
    outputs = np.full(10, (1 - probability) / 9, np.float32)
    outputs[int(label if seen is None else seen)] = probability
    return Character(label, probability, Box(0, 0, 9, 9), [label], Prediction(outputs))


def test_features_tell_sure_from_surer_lines():
    sure, surer = (features(p, [digit("1", p), digit("4", p)]) for p in (0.99, 0.999))

    for name in ("strip", "character", "digits", "digit"):
        assert getattr(surer, name) > getattr(sure, name) + 2
    assert sure.agreement == surer.agreement == 1


def test_features_are_bounded():
    bound = np.log((1 - LEAST) / LEAST)

    assert features(1.0, [digit("1", 1.0)])[:4] == pytest.approx([bound] * 4)
    assert features(0.0, [])[:4] == pytest.approx([-bound] * 4)


def test_features_of_networks_that_disagree():
    found = features(0.99, [digit("1", 0.99), digit("4", 0.99, seen="9")])

    assert found.agreement == 0
    assert found.digit == pytest.approx(np.log(0.00111 / 0.99889), abs=0.1)
