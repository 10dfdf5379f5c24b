"""Agreement of the two networks that read a line, and the verdict that follows from it.

The number network reads the line as a whole. The digit network reads each digit alone, with a
different normalisation. The networks are so different that they rarely make the same mistake.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from dlflask.digits.prediction import Prediction
from dlflask.numbers.characters import ALPHABET, DIGIT_CHARACTERS, UNREADABLE
from dlflask.numbers.prediction import Character
from dlflask.numbers.thresholds import Features, Thresholds
from dlflask.types import Outputs

#: Bounds of a probability before it becomes log-odds. Beyond them, a network that is more certain
#: is not right more often.
LEAST, MOST = 1e-4, 1 - 1e-4

#: Weight of the digit network in the choice of a digit, relative to the number network. It was
#: chosen on the development images.
DIGIT_WEIGHT = 0.7

#: Least probability of a digit, relative to the digit network's most probable one. The digit
#: network can be sure of a wrong digit if a part of the digit was cut off.
LEAST_DIGIT = 0.01

#: Digits, with separators between them and possibly a minus before them.
_NUMBER = re.compile(r"-?[0-9]+(?:[.,][0-9]+)*")

_DIGIT_INDICES = [ALPHABET.index(digit) for digit in DIGIT_CHARACTERS]


def combine(columns: Outputs, digit: Prediction) -> Outputs:
    """Return the scores of all characters at the place of a digit, by both networks.

    Args:
        columns: (T, classes) probabilities by the number network in the columns of the place.
        digit: Prediction of the digit network at this place.

    Returns:
        (characters,) float32, in the order of `ALPHABET`; higher is more probable.
    """
    scores: Outputs = columns[:, 1:].max(axis=0)
    # If the digit network does not see a digit, it must not influence which digit is chosen.
    seen = digit.outputs[:10] + digit.not_a_digit / 10
    scores[_DIGIT_INDICES] *= np.maximum(seen / seen.max(), LEAST_DIGIT) ** DIGIT_WEIGHT
    return scores


def judge(
    text: str, probability: float, characters: Sequence[Character], thresholds: Thresholds
) -> tuple[str, float]:
    """Return the verdict on a line and the probability that its text is right.

    Args:
        text: Text that the number network read.
        probability: Probability that the number network gives to `text`, 0..1.
        characters: Characters of `text`; each digit has the digit network's prediction.
        thresholds: Weights and thresholds.
    """
    digits = [one.digit for one in characters if one.digit is not None]
    if not digits or text.count(UNREADABLE) > len(digits):
        return "no_number", 0.0
    found = features(probability, characters)
    confidence = thresholds.probability(found)
    are_others = all(digit.verdict == "not_a_digit" for digit in digits)
    if confidence < thresholds.no_number_below and are_others:
        return "no_number", confidence
    is_sure = found.agreement and confidence >= thresholds.number_from and is_number(text)
    return "number" if is_sure else "unsure", confidence


def features(probability: float, characters: Sequence[Character]) -> Features:
    """Return the features from which the probability of a line is computed."""
    digits = [(int(one.label), one.digit) for one in characters if one.digit is not None]
    # Include the output for non-digits, so that a mark that is not a digit gets low probabilities.
    seen = [float(digit.outputs[label]) for label, digit in digits] or [0.0]
    weakest = min((one.probability for one in characters), default=0.0)
    return Features(
        strip=_log_odds(probability),
        character=_log_odds(weakest),
        digits=_log_odds(math.prod(seen)),
        digit=_log_odds(min(seen)),
        agreement=float(all(one.is_agreed for one in characters)),
    )


def is_number(text: str) -> bool:
    """Return True for digits with separators between them and possibly a minus before them."""
    return _NUMBER.fullmatch(text) is not None


def _log_odds(probability: float) -> float:
    # A logarithm alone would be about 0 for both 0.99 and 0.9999, but 0.99 is wrong more often.
    bounded = min(max(probability, LEAST), MOST)
    return math.log(bounded / (1 - bounded))
