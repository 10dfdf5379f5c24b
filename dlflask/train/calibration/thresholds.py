"""Choice of the thresholds of the verdict: `digit`, `unsure` or `not_a_digit`."""

from __future__ import annotations

import numpy as np

from dlflask.digits.thresholds import NOT_A_DIGIT, Probabilities, Thresholds

#: The thresholds are chosen so that this share of the images of digits gets the verdict `digit`.
#: The goal for new images is 97 %. The additional 0.5 percentage points are a margin.
DIGITS_KEPT = 0.975


def choose_thresholds(
    probabilities: Probabilities, temperature: float, chosen_on: str
) -> Thresholds:
    """Choose the strictest thresholds with which the share `DIGITS_KEPT` of images gets `digit`.

    Args:
        probabilities: (N, 11) outputs for images of digits.
        temperature: Temperature by which the model's weights were divided. It is only stored with
            the thresholds.
        chosen_on: Description of the images. It is only stored with the thresholds.
    """
    confidences = np.sort(probabilities[:, :NOT_A_DIGIT].max(axis=1))
    # Round down, so that rounding to four decimals does not change a verdict `digit`.
    unsure_below = np.floor(confidences[int((1 - DIGITS_KEPT) * len(confidences))] * 1e4) / 1e4
    # If the output for a digit is at least unsure_below, the output for "not a digit" is at most
    # 1 - unsure_below. Therefore no image can reach both thresholds.
    not_a_digit_above = max(0.5, 1 - unsure_below)
    return Thresholds(float(unsure_below), float(not_a_digit_above), temperature, chosen_on)
