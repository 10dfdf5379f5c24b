"""Verdict on an image (`digit`, `unsure` or `not_a_digit`) from the outputs of the network."""

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

#: Verdict on an image that shows two or more digits. The outputs of the network are then not
#: reliable, because the network's input is one of the digits or a mixture of several.
SEVERAL_DIGITS = "several_digits"

#: All verdicts, in the order in which reports list them.
VERDICTS = ("digit", "unsure", "not_a_digit", SEVERAL_DIGITS)


@dataclass(frozen=True)
class Thresholds(StoredSettings):
    """Thresholds of the verdict, chosen on development images and stored with the model.

    Attributes:
        unsure_below: Minimum output of the most probable digit for the verdict `digit`, 0..1. The
            output of the network is compared, not a value of `Prediction.probabilities`.
        not_a_digit_above: Limit of the probability that the image shows no digit, 0..1. An
            image without the verdict `digit` gets `not_a_digit` above this limit, else `unsure`.
        temperature: Divisor of the logits, above 0. It is stored only for information, because
            `make train` has already divided the weights of the dense layers by it.
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
        """Return one of `VERDICTS[:3]` for each row of outputs of shape (N, 10) or (N, 11)."""
        is_digit = probabilities[:, :NOT_A_DIGIT].max(axis=1) >= self.unsure_below
        # Without an eleventh column, the sum is 0, so the verdict is never `not_a_digit`.
        is_other = probabilities[:, NOT_A_DIGIT:].sum(axis=1) > self.not_a_digit_above
        return np.where(is_digit, "digit", np.where(is_other, "not_a_digit", "unsure"))

    def decide(self, outputs: Sequence[float]) -> str:
        """Return the verdict on one image's float32 outputs in 1 µs (`decide_batch`: 7 µs)."""
        if max(outputs[:NOT_A_DIGIT]) >= self._levels[0]:
            return "digit"
        return "not_a_digit" if sum(outputs[NOT_A_DIGIT:]) > self._levels[1] else "unsure"

    @cached_property
    def _levels(self) -> tuple[float, float]:
        """The two thresholds rounded to float32, as NumPy rounds both in `decide_batch`."""
        return float(np.float32(self.unsure_below)), float(np.float32(self.not_a_digit_above))

    def is_valid(self) -> bool:
        """Return True if all values are in their ranges."""
        shares = (self.unsure_below, self.not_a_digit_above)
        return all(0 <= share <= 1 for share in shares) and self.temperature > 0


#: Thresholds for a model file without thresholds. If the probabilities are calibrated, 70 % of the
#: digits with a probability of 0.7 are right, so a digit above 0.5 is more often right than wrong.
DEFAULT_THRESHOLDS = Thresholds(
    unsure_below=0.5, not_a_digit_above=0.5, temperature=1.0, chosen_on="nothing: the default"
)
