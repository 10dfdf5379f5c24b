"""Words for results on the page. tests/e2e/test_number.py compares them with the script's."""

import numpy as np
import pytest

from dlflask.digits.prediction import Prediction
from dlflask.digits.recogniser import DigitResult
from dlflask.digits.thresholds import Thresholds
from dlflask.numbers.prediction import Box, Character, LineReading, NumberResult, SecondReading
from dlflask.web.presentation import View, percent

BOX = Box(0, 0, 9, 9)
TENSOR = np.ones((28, 28), np.float32)


def digit_of(verdict="digit"):
    """Return the result of a 4, of a mark between 4 and 9, or of another mark."""
    outputs = np.full(11, 0.01, np.float32)
    outputs[{"digit": [4], "unsure": [4, 9], "not_a_digit": [10]}.get(verdict, [4])] = 0.45
    outputs /= outputs.sum()
    return DigitResult(Prediction(outputs), TENSOR, is_several=verdict == "several_digits")


def character(label, *others, second=None):
    """Return a character that the digit network reads as `second`, by default as `label`."""
    if not label.isdigit():
        return Character(label, 0.9, BOX, [label])
    outputs = np.eye(11, dtype=np.float32)[int(second or label)]
    second_reading = SecondReading(TENSOR, lambda _: Prediction(outputs))
    return Character(label, 0.9, BOX, [label, *others], second_reading)


def number_of(*texts, verdict="number", characters=None):
    """Return the result of lines of text."""
    lines = [
        LineReading(
            text, verdict, 0.945, BOX, characters or [character(one) for one in text], TENSOR, text,
            0.9,
        )
        for text in texts
    ]  # fmt: skip
    return NumberResult(lines)


@pytest.mark.parametrize(
    ("verdict", "number", "sentence"),
    [
        pytest.param(
            "several_digits", number_of("18014"), "This looks like 18014 (94.5%).", id="number"
        ),
        pytest.param(
            "digit", number_of("4", "2"), "This looks like 4 / 2 (94.5%).", id="two-lines"
        ),
        pytest.param(
            "several_digits",
            number_of("1", "2", "3", "4"),
            "This looks like 1 / 2 / 3 / … (94.5%).",
            id="four-lines",
        ),
        pytest.param("unsure", number_of("42", verdict="unsure"), "Not sure: 42.", id="unsure"),
        pytest.param("several_digits", number_of(), "This shows several digits.", id="unreadable"),
        pytest.param("not_a_digit", number_of(), "No writing was found.", id="no-line"),
        pytest.param("not_a_digit", None, "This does not look like a digit.", id="no-numbers"),
        pytest.param(
            "not_a_digit",
            number_of("11", verdict="unsure"),
            "This does not look like a digit.",
            id="scribble",
        ),
        pytest.param(
            "digit",
            number_of("42", verdict="unsure"),
            "This looks like a 4 (83.3%).",
            id="sure-digit",
        ),
        pytest.param("digit", number_of("4"), "This looks like a 4 (83.3%).", id="one-digit"),
    ],
)
def test_sentence(verdict, number, sentence):
    assert View(digit_of(verdict), number).sentence == sentence


@pytest.mark.parametrize(
    ("verdict", "number", "reason"),
    [
        ("several_digits", number_of("42"), ""),
        ("several_digits", number_of(), "They cannot be read as a number."),
        ("several_digits", number_of("42", verdict="unsure"), "Please check it."),
    ],
)
def test_explanation(verdict, number, reason):
    assert View(digit_of(verdict), number).explanation == reason


def test_explanation_of_a_digit_that_only_the_number_network_reads():
    reason = View(digit_of("not_a_digit"), number_of("4", verdict="unsure")).explanation

    assert reason.endswith("Read as a number, it may be 4.")


def test_doubtful_digits_are_named_and_selected():
    characters = [
        character("1"),
        character("."),
        character("8", "3"),
        character("0", second="6"),
    ]
    number = number_of("1.80", verdict="unsure", characters=characters)

    view = View(digit_of("several_digits"), number)

    assert view.explanation == "Please check: 8 or 3, 0 or 6."
    assert [one.label for one in view.readings] == ["1", ".", "8", "0"]
    assert view.selected.label == "8"
    assert [view.selected.mark(digit) for digit in (8, 3, 1)] == ["maybe", "maybe", ""]


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [(0.9831, "98.3%"), (0.99999, ">99.9%"), (0.0, "<0.1%"), (0.0005, "0.1%"), (0.9994, "99.9%")],
)
def test_percent(fraction, expected):
    assert percent(fraction) == expected


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        pytest.param([0.9, 0.1, 0.0], "This looks like a 0 (90.0%).", id="sure"),
        pytest.param([0.45, 0.4, 0.15], "Not sure: 0 or 1.", id="two-digits"),
        pytest.param([0.2, 0.05, 0.75], "This does not look like a digit.", id="none"),
    ],
)
def test_sentence_of_each_verdict(outputs, expected):
    first, second, none = outputs

    prediction = Prediction(np.array([first, second, *[0] * 8, none], np.float32))

    assert View(DigitResult(prediction, TENSOR, is_several=False)).sentence == expected
    several = View(DigitResult(prediction, TENSOR, is_several=True))
    assert several.sentence == "This shows several digits."


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        pytest.param({8: 0.98, 3: 0.02}, "This looks like an 8 (98.0%).", id="article"),
        pytest.param({1: 0.64, 7: 0.36}, "This looks like a 1 (64.0%), or a 7.", id="one-more"),
        pytest.param({7: 0.7, 8: 0.3}, "This looks like a 7 (70.0%), or an 8.", id="other-article"),
        pytest.param(
            {0: 0.55, 6: 0.16, 8: 0.15, 9: 0.14},
            "This looks like a 0 (55.0%), or a 6, or an 8.",
            id="three-at-most",
        ),
    ],
)
def test_sentence_of_a_digit(probabilities, expected):
    outputs = np.zeros(11, np.float32)
    outputs[list(probabilities)] = list(probabilities.values())
    thresholds = Thresholds(
        unsure_below=0.5, not_a_digit_above=0.5, temperature=1.0, chosen_on="this test"
    )

    result = DigitResult(Prediction(outputs, thresholds), TENSOR, is_several=False)

    assert View(result).sentence == expected
