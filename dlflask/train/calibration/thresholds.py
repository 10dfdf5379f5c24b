"""Choice of the thresholds for the verdict."""

from __future__ import annotations

import numpy as np

from dlflask.digits.thresholds import NOT_A_DIGIT, Probabilities, Thresholds

#: Part of the true digits that must get the verdict `digit` when the thresholds are chosen. The
#: target on new images is 97 %; the half point above it is a margin.
DIGITS_KEPT = 0.975


def choose_thresholds(
    probabilities: Probabilities, temperature: float, chosen_on: str
) -> Thresholds:
    """Choose the strictest thresholds that give `DIGITS_KEPT` of true digits the verdict `digit`.

    Args:
        probabilities: (N, 11) probabilities of true digits.
        temperature: Temperature in the model's weights, to be stored with the thresholds.
        chosen_on: Description of the digits, to be stored with the thresholds.
    """
    best = np.sort(probabilities[:, :NOT_A_DIGIT].max(axis=1))
    # Round down to four decimals, so that rounding rejects no digit.
    unsure_below = np.floor(best[int((1 - DIGITS_KEPT) * len(best))] * 1e4) / 1e4
    # At least 0.5, and high enough that no `digit` can exceed it.
    not_a_digit_above = max(0.5, 1 - unsure_below)
    return Thresholds(float(unsure_below), float(not_a_digit_above), temperature, chosen_on)
