"""A picture's bytes in, what the service says of them out: in this process, or over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from dlflask.client import REFUSED, UNKNOWN, UNREAD, Outcome
from dlflask.digits.normalization import read_tensor
from dlflask.digits.prediction import Prediction
from dlflask.digits.thresholds import VERDICTS
from dlflask.errors import ImageError
from dlflask.evaluate.dataset import Picture
from dlflask.types import Tensor

OUTCOMES = (*VERDICTS, REFUSED, UNKNOWN)


@dataclass(frozen=True, eq=False)
class Answer:
    """A picture and what was said of it."""

    picture: Picture
    outcome: Outcome

    @property
    def guess(self) -> int | None:
        """The most probable digit; None where there was no answer."""
        probabilities = self.outcome.probabilities
        return None if probabilities is None else int(probabilities.argmax())

    @property
    def confidence(self) -> float:
        """The probability of `guess`; 0 where there was no answer."""
        probabilities = self.outcome.probabilities
        return 0.0 if probabilities is None else float(probabilities.max())

    @property
    def is_right(self) -> bool:
        """Whether the digit that the picture shows was named; a refusal of a digit is wrong."""
        return self.picture.label is not None and self.guess == self.picture.label

    @property
    def is_called_digit(self) -> bool:
        """Whether it was taken for a digit; a service without verdicts takes all it reads."""
        return self.outcome.verdict in ("digit", UNKNOWN)


Reader = Callable[[bytes], Outcome]


class PredictsDigits(Protocol):
    """What is needed of a classifier."""

    def predict(self, tensor: Tensor) -> Prediction:
        """Classify one (28, 28) float32 tensor."""


def read_by_model(classifier: PredictsDigits) -> Reader:
    """A reader that does what the service does with an upload, in this process."""

    def read(upload: bytes) -> Outcome:
        try:
            tensor = read_tensor(upload)
        except ImageError as fault:
            return Outcome(REFUSED, reason=f"{type(fault).__name__}: {fault}")
        prediction = classifier.predict(tensor)
        return Outcome(prediction.verdict, prediction.probabilities)

    return read


def ask(reader: Reader, pictures: Iterable[Picture]) -> list[Answer]:
    """Ask about every picture; one that cannot be read from disk does not stop the others."""
    answers = []
    for picture in pictures:
        try:
            outcome = reader(picture.load())
        except OSError as fault:
            outcome = Outcome(UNREAD, reason=f"{type(fault).__name__}: {fault}")
        answers.append(Answer(picture, outcome))
    return answers
