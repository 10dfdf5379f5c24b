"""Probabilities of true digits in, the thresholds of the verdict out."""

from __future__ import annotations

import numpy as np

from dlflask.verdict import NOT_A_DIGIT, Probabilities, Thresholds

#: Of the digits that choose the thresholds, the part that must still be called `digit`. The promise
#: is 97 % on pictures nobody has seen yet; half a point is kept for the difference.
DIGITS_KEPT = 0.975


def choose_thresholds(
    probabilities: Probabilities, temperature: float, chosen_on: str
) -> Thresholds:
    """Choose the strictest thresholds that still call `DIGITS_KEPT` of true digits `digit`.

    Args:
        probabilities: (N, 11) of true digits.
        temperature: That was folded into the model.
        chosen_on: What the digits are, in words.
    """
    best = np.sort(probabilities[:, :NOT_A_DIGIT].max(axis=1))
    # Written with four decimals, rounded down so that no digit is lost to rounding.
    unsure_below = np.floor(best[int((1 - DIGITS_KEPT) * len(best))] * 1e4) / 1e4
    # More likely no digit than all digits together, and never what is called a digit.
    not_a_digit_above = max(0.5, 1 - unsure_below)
    return Thresholds(float(unsure_below), float(not_a_digit_above), temperature, chosen_on)
