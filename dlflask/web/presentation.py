"""Texts of a result on the page, and the digits to show.

The rules must be the same as in static/result.js, which shows results if JavaScript is on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dlflask.digits.recogniser import DigitResult
from dlflask.digits.thresholds import SEVERAL_DIGITS
from dlflask.numbers.prediction import Character, NumberResult
from dlflask.types import Tensor

#: Maximum number of digits or lines in one sentence. A longer list would not help.
MAX_NAMED = 3

#: If the digit recogniser gives one of these verdicts, the page shows a number of several digits
#: even if the number is unsure.
_MAY_BE_NUMBER = ("unsure", SEVERAL_DIGITS)


@dataclass(frozen=True, eq=False)
class Reading:
    """One character of a result, as the page shows it.

    Attributes:
        label: The character.
        is_sure: True if a person does not need to check the character.
        named: Digits that the page names as readings of the character, most probable first.
        probabilities: Probabilities of the ten digits, (10,) float32. None if the character is not
            a digit.
        tensor: Input of the digit network, (28, 28) float32 in 0..1. None if the character is not a
            digit.
    """

    label: str
    is_sure: bool
    named: Sequence[int] = ()
    probabilities: NDArray[np.float32] | None = None
    tensor: Tensor | None = None

    def mark(self, digit: int) -> str:
        """Return the word beside `digit` in the page's table: `answer`, `maybe` or no text."""
        if digit not in self.named:
            return ""
        return "answer" if self.is_sure else "maybe"


@dataclass(frozen=True, eq=False)
class View:
    """Result of an image as the page shows it.

    Attributes:
        digit: Result of reading one digit.
        number: Result of reading a number. None if the service does not read numbers.
    """

    digit: DigitResult
    number: NumberResult | None = None

    @cached_property
    def _shown_number(self) -> NumberResult | None:
        """The number to show, or None if the page shows a single digit.

        The page shows a number if it has several digits and is sure. It shows an unsure number of
        several digits only if the verdict of the digit recogniser is in `_MAY_BE_NUMBER`.
        """
        number = self.number
        if number is None or _count_digits(number) < 2:
            return None
        is_shown = number.verdict == "number" or self.digit.verdict in _MAY_BE_NUMBER
        return number if is_shown else None

    @property
    def is_number(self) -> bool:
        """True if the page shows a number of several digits."""
        return self._shown_number is not None

    @property
    def verdict(self) -> str:
        """Verdict on the number or digit that the page shows."""
        return self._shown_number.verdict if self._shown_number else self.digit.verdict

    @property
    def sentence(self) -> str:
        """The result as a sentence."""
        prediction, verdict = self.digit.prediction, self.verdict
        if self._shown_number:
            text = _in_one_line(self._shown_number)
            if verdict == "unsure":
                return f"Not sure: {text}."
            return f"This looks like {text} ({percent(round(self._shown_number.confidence, 4))})."
        if verdict == "not_a_digit":
            is_empty = self.number is not None and not self.number.lines
            return "No writing was found." if is_empty else "This does not look like a digit."
        if verdict == SEVERAL_DIGITS:
            return "This shows several digits."
        if verdict == "unsure":
            return f"Not sure: {_join_with_or(self.selected.named)}."
        candidates = prediction.candidates[1:MAX_NAMED]
        others = "".join(f", or {_with_article(digit)}" for digit in candidates)
        confidence = percent(prediction.confidence)
        return f"This looks like {_with_article(prediction.label)} ({confidence}){others}."

    @property
    def explanation(self) -> str:
        """The reason why the result is not sure. Empty if the result is sure."""
        prediction = self.digit.prediction
        if self._shown_number:
            if self.verdict == "number":
                return ""
            unsure = [reading for reading in self.readings if not reading.is_sure]
            doubts = ", ".join(_join_with_or(reading.named) for reading in unsure)
            return f"Please check: {doubts}." if doubts else "Please check it."
        if self.verdict == SEVERAL_DIGITS:
            return "They cannot be read as a number."
        if self.verdict != "not_a_digit" or not prediction.not_a_digit:
            return ""
        reason = (
            f"Not a digit: {percent(prediction.not_a_digit)}. The bars only compare the digits "
            "with each other."
        )
        if self.number is None or not _count_digits(self.number):
            return reason
        return f"{reason} Read as a number, it may be {_in_one_line(self.number)}."

    @cached_property
    def readings(self) -> list[Reading]:
        """The single digit, or the characters of the number."""
        if self._shown_number:
            return [
                _to_reading(character, line.verdict)
                for line in self._shown_number.lines
                for character in line.characters
            ]
        digit, is_sure = self.digit, self.verdict == "digit"
        prediction = digit.prediction
        by_verdict = {"digit": [prediction.label], "unsure": prediction.candidates[:MAX_NAMED]}
        named = by_verdict.get(self.verdict, [])
        return [Reading(digit.label, is_sure, named, prediction.probabilities, digit.tensor)]

    @property
    def selected(self) -> Reading:
        """The first digit that a person should check, or the first digit if all are sure."""
        digits = [reading for reading in self.readings if reading.tensor is not None]
        return next((reading for reading in digits if not reading.is_sure), digits[0])


def _to_reading(character: Character, line_verdict: str) -> Reading:
    label, second = character.label, character.second
    if second is None:
        return Reading(label, is_sure=True)
    digit = second.prediction
    labels = [label, str(digit.label), *character.candidates]
    named = list(dict.fromkeys(int(text) for text in labels if text.isdigit()))
    is_sure = line_verdict == "number" or (len(named) == 1 and digit.not_a_digit < 0.5)
    num_named = 1 if is_sure else MAX_NAMED
    return Reading(label, is_sure, named[:num_named], digit.probabilities, second.tensor)


def _count_digits(number: NumberResult) -> int:
    return sum(character.isdigit() for character in number.label)


def _in_one_line(number: NumberResult) -> str:
    lines = number.label.split("\n")
    return " / ".join(lines[:MAX_NAMED]) + (" / …" if len(lines) > MAX_NAMED else "")


def _join_with_or(digits: Sequence[int]) -> str:
    return " or ".join(map(str, digits))


def _with_article(digit: int) -> str:
    return f"an {digit}" if digit == 8 else f"a {digit}"


def percent(fraction: float) -> str:
    """Return a percentage such as 98.3%, but never 0% or 100%. Halves are rounded up."""
    if fraction < 0.0005:
        return "<0.1%"
    return ">99.9%" if fraction >= 0.9995 else f"{math.floor(fraction * 1000 + 0.5) / 10:.1f}%"
