"""Words for results on the page. tests/e2e/test_number.py compares them with the script's."""

import numpy as np
import pytest

from dlflask.digits.prediction import Prediction
from dlflask.digits.recogniser import DigitResult
from dlflask.numbers.prediction import Box, Character, LineReading, NumberResult
from dlflask.web.presentation import View

BOX = Box(0, 0, 9, 9)
TENSOR = np.zeros((28, 28), np.float32)


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
    return Character(label, 0.9, BOX, [label, *others], Prediction(outputs), TENSOR)


def number_of(*texts, verdict="number", characters=None):
    """Return the result of lines of text."""
    lines = [
        LineReading(
            text, verdict, 0.945, BOX, characters or [character(one) for one in text], TENSOR, text,
            0.9, text,
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
