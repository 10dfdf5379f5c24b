"""Pair images of numbers with the results of a model or a running service."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dlflask.client import REFUSED, UNREAD, Outcome
from dlflask.errors import DlflaskError
from dlflask.evaluate.numbers.dataset import NumberImage
from dlflask.numbers.recogniser import NumberRecogniser
from dlflask.recogniser import read

#: Function that returns the outcome for the bytes of one image file.
NumberReader = Callable[[bytes], Outcome]


@dataclass(frozen=True)
class NumberCase:
    """An image of a number and its outcome."""

    image: NumberImage
    outcome: Outcome

    @property
    def read(self) -> str:
        """The number that was read; empty if no number was read."""
        return self.outcome.label or ""

    @property
    def is_right(self) -> bool:
        """True if the number is the label, including separators and sign."""
        return self.read == self.image.number

    @property
    def has_right_digits(self) -> bool:
        """True if the digits are the digits of the label. Separators and signs are ignored."""
        return keep_digits(self.read) == keep_digits(self.image.number)


def keep_digits(number: str) -> str:
    """Return the digits of `number`."""
    return "".join(character for character in number if character.isdigit())


def read_by_recogniser(recogniser: NumberRecogniser) -> NumberReader:
    """Return a reader that reads images in this process."""

    def read_one(upload: bytes) -> Outcome:
        try:
            result = read(recogniser, upload)
        except DlflaskError as error:
            return Outcome(REFUSED, reason=f"{type(error).__name__}: {error}")
        lines = [line.to_wire() for line in result.lines]
        return Outcome(result.verdict, result.label, result.confidence, lines=lines)

    return read_one


def ask_numbers(reader: NumberReader, images: Iterable[NumberImage]) -> list[NumberCase]:
    """Read every image in turn. If this raises OSError, the outcome is `UNREAD`."""
    cases = []
    for image in images:
        try:
            outcome = reader(image.load())
        except OSError as error:
            outcome = Outcome(UNREAD, reason=f"{type(error).__name__}: {error}")
        cases.append(NumberCase(image, outcome))
    return cases
