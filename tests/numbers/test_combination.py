"""Features of a line, and the choice of a digit by both networks."""

import numpy as np
import pytest

from dlflask.digits.prediction import Prediction
from dlflask.numbers.characters import ALPHABET
from dlflask.numbers.combination import LEAST, choose_digit, combine, features, judge
from dlflask.numbers.prediction import Box, Character, SecondReading
from dlflask.numbers.thresholds import DEFAULT_THRESHOLDS


def seen_as(digit, probability):
    outputs = np.full(10, (1 - probability) / 9, np.float32)
    outputs[int(digit)] = probability
    return Prediction(outputs)


def character(label, probability, prediction, *, is_certain=False):
    second = SecondReading(np.ones((9, 9), np.float32), lambda _: prediction)
    box = Box(0, 0, 9, 9)
    return Character(label, probability, box, [label], second, is_certain, combined=probability)


def digit(label, probability):
    return character(label, probability, seen_as(label, probability))


def test_features_tell_sure_from_surer_lines():
    sure, surer = (features(p, [digit("1", p), digit("4", p)]) for p in (0.99, 0.999))

    assert surer.strip > sure.strip + 2
    assert surer.combined > sure.combined + 2


def test_features_are_bounded():
    bound = np.log((1 - LEAST) / LEAST)

    assert features(1.0, [digit("1", 1.0)]) == pytest.approx([bound] * 2)
    assert features(0.0, []) == pytest.approx([-bound] * 2)


def probabilities_of(**given):
    probabilities = np.full(len(ALPHABET), 1e-4, np.float32)
    for name, probability in given.items():
        probabilities[ALPHABET.index(name[-1])] = probability
    return probabilities


@pytest.mark.parametrize(
    ("four", "nine", "seen", "chosen"),
    [
        (0.6, 0.3, 0.99, "9"),  # the digit network is surer
        (0.999, 1e-4, 0.99, "4"),  # the number network is surer
        (0.9, 0.1, 0.4, "4"),  # the digit network is in doubt
    ],
)
def test_combine_follows_the_network_that_is_certainr(four, nine, seen, chosen):
    scores = combine(probabilities_of(d4=four, d9=nine), seen_as("9", seen))

    assert ALPHABET[scores.argmax()] == chosen


def test_combine_with_a_network_that_sees_no_digit():
    outputs = np.zeros(11, np.float32)
    outputs[10] = 1
    probabilities = probabilities_of(d4=0.6, d9=0.5)

    assert ALPHABET[combine(probabilities, Prediction(outputs)).argmax()] == "4"


@pytest.mark.parametrize(
    ("four", "seen", "chosen", "least", "most"),
    [
        (0.9999, "4", "4", 0.999, 1),  # both networks see a 4
        (0.7, "4", "4", 0.98, 0.999),  # a 9 is possible for the number network
        (0.9999, "9", "4", 0.9, 0.999),  # the digit network sees a 9
        (0.7, "9", "9", 0.9, 1),
    ],
)
def test_choose_digit_by_both_networks(four, seen, chosen, least, most):
    scores = combine(probabilities_of(d4=four, d9=1 - four), seen_as(seen, 0.99))

    digit, probability = choose_digit(scores)

    assert digit == chosen
    assert least <= probability <= most


def test_choose_digit_ignores_other_characters():
    scores = probabilities_of(d1=0.4)
    scores[ALPHABET.index(",")] = 0.5

    assert choose_digit(scores)[0] == "1"


@pytest.mark.parametrize(("text", "verdict"), [("4", "unsure"), ("44", "number")])
def test_judge_believes_the_digit_network_about_a_single_digit(text, verdict):
    outputs = np.zeros(11, np.float32)
    outputs[[4, 10]] = 0.01, 0.99
    doubted = character("4", 0.999, Prediction(outputs))

    assert judge(text, 0.999, [doubted] * len(text), DEFAULT_THRESHOLDS)[0] == verdict


@pytest.mark.parametrize(("is_certain", "verdict"), [(False, "no_number"), (True, "unsure")])
def test_judge_finds_no_number_only_if_the_digit_network_saw_no_digit(is_certain, verdict):
    outputs = np.zeros(11, np.float32)
    outputs[[4, 10]] = 0.01, 0.99
    characters = [character("4", 0.5, Prediction(outputs), is_certain=is_certain)] * 2

    assert judge("44", 0.001, characters, DEFAULT_THRESHOLDS)[0] == verdict
