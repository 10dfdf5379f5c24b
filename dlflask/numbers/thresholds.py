"""Probability that a line is read right, and the thresholds of the verdict on a line."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from dlflask.stored_settings import StoredSettings

#: Verdicts, in the order in which reports list them.
VERDICTS = ("number", "unsure", "no_number")


class Features(NamedTuple):
    """Features from which the probability that a line is read right is computed.

    Attributes:
        strip: Log-odds of the probability that the number network gives to the text of the line.
        combined: Log-odds of the product of all digits' `Character.combined`.
    """

    strip: float
    combined: float


@dataclass(frozen=True)
class Thresholds(StoredSettings):
    """Weights of a logistic regression on `Features`, and the thresholds of the verdict.

    Attributes:
        bias: Constant term of the regression.
        strip: Weight of `Features.strip`.
        combined: Weight of `Features.combined`.
        number_from: Minimum probability for the verdict `number`, 0..1.
        no_number_below: The verdict is `no_number` if the probability is below this value, 0..1,
            the number network is almost certain of no digit, and the digit network gives every
            digit of the line the verdict `not_a_digit`.
        chosen_on: Description of the images on which weights and thresholds were chosen.
    """

    TITLE = "The thresholds of the number network"
    COMMAND = "python -m dlflask.train numbers"

    bias: float
    strip: float
    combined: float
    number_from: float
    no_number_below: float
    chosen_on: str

    def probability(self, features: Features) -> float:
        """Return the probability that a line is read right, 0..1."""
        score = self.bias + self.strip * features.strip + self.combined * features.combined
        return 1 / (1 + math.exp(-min(max(score, -50), 50)))


#: Thresholds for a model file that contains no thresholds. They were chosen by
#: `python -m dlflask.train.numbers.calibration`.
DEFAULT_THRESHOLDS = Thresholds(
    bias=-1.150,
    strip=0.660,
    combined=0.151,
    number_from=0.8048,
    no_number_below=0.2,
    chosen_on="6,000 fields drawn from 818 development images of digits",
)
