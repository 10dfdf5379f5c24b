"""Verdict on an image, `digit`, `unsure` or `not_a_digit`, from the outputs of the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dlflask.stored_settings import StoredSettings

Probabilities = NDArray[np.float32]

#: Index of the optional eleventh output: the probability that the image shows no digit.
NOT_A_DIGIT = 10

#: Verdict on an image of two or more digits, of which the network sees one or a mixture.
SEVERAL_DIGITS = "several_digits"

#: Verdicts, in the order of the reports.
VERDICTS = ("digit", "unsure", "not_a_digit", SEVERAL_DIGITS)


@dataclass(frozen=True)
class Thresholds(StoredSettings):
    """Thresholds of the verdict, chosen on development images and stored with the model.

    Attributes:
        unsure_below: Least probability of the most probable digit for `digit`, 0..1, before the
            ten are normalised to sum to 1.
        not_a_digit_above: Probability of no digit above which any other image is `not_a_digit`,
            0..1.
        temperature: Divisor of the logits, above 0. It is already part of the weights and is
            stored for information.
        chosen_on: Description of the images on which the thresholds were chosen.
    """

    TITLE = "The thresholds of the digit network"
    COMMAND = "make train"
    RANGES = "; both thresholds in 0..1, temperature above 0"

    unsure_below: float
    not_a_digit_above: float
    temperature: float
    chosen_on: str

    def decide_batch(self, probabilities: Probabilities) -> NDArray[np.str_]:
        """Return one of the first three verdicts for each row of (N, 10) or (N, 11) outputs."""
        is_digit = probabilities[:, :NOT_A_DIGIT].max(axis=1) >= self.unsure_below
        # Without an eleventh column the sum is 0, and `not_a_digit` cannot occur.
        is_other = probabilities[:, NOT_A_DIGIT:].sum(axis=1) > self.not_a_digit_above
        return np.where(is_digit, "digit", np.where(is_other, "not_a_digit", "unsure"))

    def decide(self, outputs: Sequence[float]) -> str:
        """Return the verdict of one row of float32 values, as a list: 1 µs instead of 7."""
        if max(outputs[:NOT_A_DIGIT]) >= self._levels[0]:
            return "digit"
        return "not_a_digit" if sum(outputs[NOT_A_DIGIT:]) > self._levels[1] else "unsure"

    @cached_property
    def _levels(self) -> tuple[float, float]:
        """The two thresholds rounded to float32, as NumPy rounds them in `decide_batch`."""
        return float(np.float32(self.unsure_below)), float(np.float32(self.not_a_digit_above))

    def is_valid(self) -> bool:
        """Return True if all values are in their ranges."""
        shares = (self.unsure_below, self.not_a_digit_above)
        return all(0 <= share <= 1 for share in shares) and self.temperature > 0


#: Thresholds of a model that does not store any. From 0.5 on, the most probable digit of a
#: calibrated model is more likely right than wrong.
DEFAULT_THRESHOLDS = Thresholds(
    unsure_below=0.5, not_a_digit_above=0.5, temperature=1.0, chosen_on="nothing: the default"
)
