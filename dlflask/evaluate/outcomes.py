"""Pair labelled images with the predictions of a model or a running service."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from dlflask.cli.predict import to_outcome
from dlflask.client import REFUSED, UNKNOWN, UNREAD, Outcome
from dlflask.digits.recogniser import DigitClassifier, DigitRecogniser, DigitResult
from dlflask.digits.thresholds import VERDICTS
from dlflask.errors import DlflaskError
from dlflask.evaluate.dataset import LabelledImage
from dlflask.numbers.prediction import NumberResult
from dlflask.recogniser import Recogniser, read

#: Values of `Outcome.verdict` that are counted in reports on digits, in the order of the tables.
OUTCOMES = (*VERDICTS, REFUSED, UNKNOWN)

#: Function that returns the outcome for the bytes of one image file.
Reader = Callable[[bytes], Outcome]

AnyResult = TypeVar("AnyResult", DigitResult, NumberResult)


@dataclass(frozen=True, eq=False)
class Case:
    """A labelled image and its outcome, which is a prediction or an error."""

    image: LabelledImage
    outcome: Outcome

    @property
    def confidence(self) -> float:
        """The probability of the predicted label, 0..1; 0 after an error."""
        return self.outcome.confidence

    @property
    def is_right(self) -> bool:
        """True if the predicted label is the label of the image."""
        return self.image.label is not None and self.outcome.label == self.image.label

    @property
    def is_called_digit(self) -> bool:
        """True if the image was accepted as a digit.

        Some services return no verdicts. Every prediction of such a service counts as accepted.
        """
        return self.outcome.verdict in ("digit", UNKNOWN)


def read_by_model(classifier: DigitClassifier) -> Reader:
    """Return a reader that uses the digit model alone, so the verdict is never `several_digits`."""
    return read_by_recogniser(DigitRecogniser(classifier))


def read_by_recogniser(recogniser: Recogniser[AnyResult]) -> Reader:
    """Return a reader that uses the models of `recogniser` in this process."""

    def read_one(upload: bytes) -> Outcome:
        try:
            return to_outcome(read(recogniser, upload))
        except DlflaskError as error:
            return Outcome(REFUSED, reason=f"{type(error).__name__}: {error}")

    return read_one


def ask(reader: Reader, images: Iterable[LabelledImage]) -> list[Case]:
    """Read every image in turn. An image whose file cannot be read gets the verdict `UNREAD`."""
    cases = []
    for image in images:
        try:
            outcome = reader(image.load())
        except OSError as error:
            outcome = Outcome(UNREAD, reason=f"{type(error).__name__}: {error}")
        cases.append(Case(image, outcome))
    return cases
