"""Features of a line, and the choice of a digit by both networks."""

import numpy as np
import pytest

from dlflask.digits.prediction import Prediction
from dlflask.numbers.agreement import LEAST, combine, do_agree, features, judge
from dlflask.numbers.characters import ALPHABET
from dlflask.numbers.prediction import Box, Character
from dlflask.numbers.thresholds import DEFAULT_THRESHOLDS


def digit(label, probability, *, seen=None):
    outputs = np.full(10, (1 - probability) / 9, np.float32)
    outputs[int(label if seen is None else seen)] = probability
    is_agreed = seen is None or seen == label
    prediction = Prediction(outputs)
    return Character(label, probability, Box(0, 0, 9, 9), [label], prediction, is_agreed=is_agreed)


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


def test_combine_ignores_a_network_that_sees_no_digit():
    outputs = np.zeros(11, np.float32)
    outputs[[9, 10]] = 0.01, 0.99
    columns = columns_of(d4=0.6, d9=0.5)

    assert ALPHABET[combine(columns, Prediction(outputs)).argmax()] == "4"


@pytest.mark.parametrize(
    ("four", "nine", "seen", "agree"),
    [
        (0.99, 0.01, "4", True),
        (0.7, 0.3, "4", True),  # a 9 is less probable, but plausible for the number network
        (0.7, 0.3, "9", False),  # a 4 is improbable for the digit network
        (0.1, 0.9, "4", False),  # a 4 is improbable for the number network
    ],
)
def test_networks_agree_to_a_plausible_digit(four, nine, seen, agree):
    prediction = digit("4", 0.9, seen=seen).digit

    assert do_agree(columns_of(d4=four, d9=nine), prediction, "4") is agree


@pytest.mark.parametrize(("text", "verdict"), [("4", "unsure"), ("44", "number")])
def test_judge_believes_the_digit_network_about_a_single_digit(text, verdict):
    outputs = np.zeros(11, np.float32)
    outputs[[4, 10]] = 0.01, 0.99
    doubted = Character("4", 0.999, Box(0, 0, 9, 9), ["4"], Prediction(outputs))

    assert judge(text, 0.999, [doubted] * len(text), DEFAULT_THRESHOLDS)[0] == verdict
