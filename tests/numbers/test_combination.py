"""Features of a line, and the choice of a digit by both networks."""

import numpy as np
import pytest

from dlflask.digits.prediction import Prediction
from dlflask.numbers.characters import ALPHABET
from dlflask.numbers.combination import LEAST, combine, features, judge, probability_of
from dlflask.numbers.prediction import Box, Character
from dlflask.numbers.thresholds import DEFAULT_THRESHOLDS


def digit(label, probability, *, seen=None):
    outputs = np.full(10, (1 - probability) / 9, np.float32)
    outputs[int(label if seen is None else seen)] = probability
    return Character(
        label, probability, Box(0, 0, 9, 9), [label], Prediction(outputs), combined=probability
    )


def test_features_tell_sure_from_surer_lines():
    sure, surer = (features(p, [digit("1", p), digit("4", p)]) for p in (0.99, 0.999))

    assert surer.strip > sure.strip + 2
    assert surer.combined > sure.combined + 2


def test_features_are_bounded():
    bound = np.log((1 - LEAST) / LEAST)

    assert features(1.0, [digit("1", 1.0)]) == pytest.approx([bound] * 2)
    assert features(0.0, []) == pytest.approx([-bound] * 2)


def columns_of(**probabilities):
    columns = np.full((3, 1 + len(ALPHABET)), 1e-4, np.float32)
    for character, probability in probabilities.items():
        columns[1, 1 + ALPHABET.index(character[-1])] = probability
    return columns


@pytest.mark.parametrize(
    ("four", "nine", "seen", "chosen"),
    [
        (0.6, 0.3, 0.99, "9"),  # the digit network is surer
        (0.999, 1e-4, 0.99, "4"),  # the number network is surer
        (0.9, 0.1, 0.4, "4"),  # the digit network is in doubt
    ],
)
def test_combine_follows_the_network_that_is_surer(four, nine, seen, chosen):
    scores = combine(columns_of(d4=four, d9=nine), digit("4", seen, seen="9").digit)

    assert ALPHABET[scores.argmax()] == chosen


def test_combine_with_a_network_that_sees_no_digit():
    outputs = np.zeros(11, np.float32)
    outputs[10] = 1
    columns = columns_of(d4=0.6, d9=0.5)

    assert ALPHABET[combine(columns, Prediction(outputs)).argmax()] == "4"


@pytest.mark.parametrize(
    ("four", "seen", "least", "most"),
    [
        (0.9999, "4", 0.999, 1),  # both networks see a 4
        (0.7, "4", 0.98, 0.999),  # a 9 is possible for the number network
        (0.9999, "9", 0.9, 0.999),  # the digit network sees a 9
        (0.7, "9", 0, 0.1),
    ],
)
def test_probability_of_a_digit_for_both_networks(four, seen, least, most):
    columns = columns_of(d4=four, d9=1 - four)

    assert least <= probability_of("4", combine(columns, digit("4", 0.99, seen=seen).digit)) <= most


@pytest.mark.parametrize(("text", "verdict"), [("4", "unsure"), ("44", "number")])
def test_judge_believes_the_digit_network_about_a_single_digit(text, verdict):
    outputs = np.zeros(11, np.float32)
    outputs[[4, 10]] = 0.01, 0.99
    doubted = Character("4", 0.999, Box(0, 0, 9, 9), ["4"], Prediction(outputs))

    assert judge(text, 0.999, [doubted] * len(text), DEFAULT_THRESHOLDS)[0] == verdict
