"""Pair labelled images with the predictions of a model or a running service."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from dlflask.client import REFUSED, UNKNOWN, UNREAD, Outcome
from dlflask.digits.normalization import place
from dlflask.digits.prediction import Prediction
from dlflask.digits.segmentation import locate_digit
from dlflask.digits.thresholds import SEVERAL_DIGITS, VERDICTS
from dlflask.errors import ImageError
from dlflask.evaluate.dataset import LabelledImage
from dlflask.imaging.read_ink import read_ink
from dlflask.types import Tensor

#: Verdicts and other outcomes, in the order in which reports list them.
OUTCOMES = (*VERDICTS, REFUSED, UNKNOWN)

#: Function that returns the outcome for the bytes of one image file.
Reader = Callable[[bytes], Outcome]


@dataclass(frozen=True, eq=False)
class Case:
    """A labelled image and its outcome."""

    image: LabelledImage
    outcome: Outcome

    @property
    def predicted(self) -> int | None:
        """The most probable digit; None if there is no prediction."""
        probabilities = self.outcome.probabilities
        return None if probabilities is None else int(probabilities.argmax())

    @property
    def confidence(self) -> float:
        """The probability of `predicted`; 0 if there is no prediction."""
        probabilities = self.outcome.probabilities
        return 0.0 if probabilities is None else float(probabilities.max())

    @property
    def is_right(self) -> bool:
        """True if the predicted digit is the label. A refused image of a digit is wrong."""
        return self.image.label is not None and self.predicted == self.image.label

    @property
    def is_called_digit(self) -> bool:
        """True if the image was accepted as a digit.

        Some services return no verdicts. Every prediction of such a service counts as accepted.
        """
        return self.outcome.verdict in ("digit", UNKNOWN)


class PredictsDigits(Protocol):
    """The part of a classifier that `read_by_model` uses."""

    def predict(self, tensor: Tensor) -> Prediction:
        """Classify one (28, 28) float32 tensor."""


def read_by_model(
    classifier: PredictsDigits, shows_several: Callable[[bytes], bool] = lambda _: False
) -> Reader:
    """Return a reader that decodes, normalises and classifies images in this process.

    Args:
        classifier: The digit network.
        shows_several: Function that returns True for an image of several digits, as for
            `DigitRecogniser`.
    """

    def read(upload: bytes) -> Outcome:
        try:
            digit = place(read_ink(upload, locate_digit))
        except ImageError as error:
            return Outcome(REFUSED, reason=f"{type(error).__name__}: {error}")
        prediction = classifier.predict(digit.tensor)
        is_several = digit.is_crowded and shows_several(upload)
        verdict = SEVERAL_DIGITS if is_several else prediction.verdict
        return Outcome(verdict, prediction.probabilities)

    return read


def ask(reader: Reader, images: Iterable[LabelledImage]) -> list[Case]:
    """Read every image in turn. If this raises OSError, the outcome is `UNREAD`."""
    cases = []
    for image in images:
        try:
            outcome = reader(image.load())
        except OSError as error:
            outcome = Outcome(UNREAD, reason=f"{type(error).__name__}: {error}")
        cases.append(Case(image, outcome))
    return cases
