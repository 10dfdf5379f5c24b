"""Verdict on a line, `number`, `unsure` or `no_number`, from the results of both readers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from dlflask.stored_settings import StoredSettings

#: Verdicts, in the order of the reports.
VERDICTS = ("number", "unsure", "no_number")


class Features(NamedTuple):
    """Features on which the probability that a line is read right depends.

    Attributes:
        strip: Log-odds of the number network's probability of its text.
        character: Log-odds of the least probability of a character by the number network.
        digits: Log-odds of the product of the digit network's probabilities.
        digit: Log-odds of the least of these.
        agreement: 1 if both networks read the same digits, else 0.
    """

    strip: float
    character: float
    digits: float
    digit: float
    agreement: float


@dataclass(frozen=True)
class Thresholds(StoredSettings):
    """Weights of a logistic regression on `Features`, and the thresholds of the verdict.

    Attributes:
        bias: Constant term.
        strip: Weight of the feature of this name, as the four below.
        character: Weight.
        digits: Weight.
        digit: Weight.
        agreement: Weight.
        number_from: Least probability for `number`, 0..1.
        no_number_below: Probability below which a line is `no_number` if the digit network sees
            other marks than digits, 0..1.
        chosen_on: Description of the images on which these were chosen.
    """

    TITLE = "The thresholds of the number network"
    COMMAND = "python -m dlflask.train numbers"

    bias: float
    strip: float
    character: float
    digits: float
    digit: float
    agreement: float
    number_from: float
    no_number_below: float
    chosen_on: str

    def probability(self, features: Features) -> float:
        """Return the probability that a line is read right, 0..1."""
        weights = self.strip, self.character, self.digits, self.digit, self.agreement
        score = self.bias + sum(w * x for w, x in zip(weights, features, strict=True))
        return 1 / (1 + math.exp(-min(max(score, -50), 50)))


#: Thresholds of a model without its own, chosen by `python -m dlflask.train.numbers.calibration`.
DEFAULT_THRESHOLDS = Thresholds(
    bias=-0.165,
    strip=0.673,
    character=0.123,
    digits=0.0,
    digit=0.014,
    agreement=0.341,
    number_from=0.8848,
    no_number_below=0.2,
    chosen_on="1,000 fields drawn from validation digits of MNIST",
)
