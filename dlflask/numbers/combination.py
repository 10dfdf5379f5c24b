"""Combination of the two networks that read a line, and the verdict that follows from it.

The number network reads the line as a whole. The digit network reads each digit alone, with a
different normalisation. The networks differ so much that they rarely make the same mistake. If they
disagree about a digit, the line is `unsure`, unless the number network is far more certain. To save
time, the digit network is not asked about a digit of which the number network is almost certain,
unless it is the only digit of the line.
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

#: Minimum and maximum of a probability whose log-odds are computed. A network that is even more
#: certain is not right more often.
LEAST, MOST = 1e-4, 1 - 1e-4

#: Minimum of the digit network's probability of a digit in `combine`, relative to the most probable
#: digit. If a part of the digit was cut off, the digit network may be sure of a wrong digit. With
#: this minimum, the number network can still choose the right digit.
LEAST_DIGIT = 0.01

#: If the number network gives a digit at least this probability, the digit network is not asked. On
#: real numbers, this saves three quarters of the calls, and as many numbers are right. A single
#: digit is always read by both networks, because the number network takes letters for digits.
SURE = 0.999

#: Text of a number: digits, separators between digits, and possibly a minus before all digits.
_NUMBER = re.compile(r"-?[0-9]+(?:[.,][0-9]+)*")

_DIGIT_INDICES = [ALPHABET.index(digit) for digit in DIGIT_CHARACTERS]


def combine(probabilities: Outputs, digit: Prediction) -> Outputs:
    """Return the score of each character of `ALPHABET` for one digit of the line.

    Args:
        probabilities: (characters,) float32, in the order of `ALPHABET`: for each character, the
            number network's highest probability in the output columns that belong to the digit.
        digit: Prediction of the digit network for the digit.

    Returns:
        (characters,) float32. A more probable character has a higher score.
    """
    scores = probabilities.copy()
    relative = digit.probabilities / digit.confidence
    scores[_DIGIT_INDICES] *= np.maximum(relative, LEAST_DIGIT)
    return scores


def choose_digit(scores: Outputs) -> tuple[str, float]:
    """Return the digit with the highest score, and its probability if the character is a digit.

    Args:
        scores: Scores of `combine`, or the number network's probabilities of the characters.
    """
    of_digits = scores[_DIGIT_INDICES]
    best = int(of_digits.argmax())
    return DIGIT_CHARACTERS[best], float(of_digits[best] / of_digits.sum())


def judge(
    text: str, probability: float, characters: Sequence[Character], thresholds: Thresholds
) -> tuple[str, float]:
    """Return the verdict on a line and the probability that its text is right.

    Args:
        text: Text of the line, whose digits `choose_digit` chose.
        probability: Probability of the text that the number network read, 0..1.
        characters: Characters of `text`. The digits have a second reading.
        thresholds: Weights of the features, and thresholds of the verdict.
    """
    digits = [(one.is_certain, one.second) for one in characters if one.second]
    if not digits or text.count(UNREADABLE) > len(digits):
        return "no_number", 0.0
    confidence = thresholds.probability(features(probability, characters))
    sees_no_digit = all(
        not is_certain and second.prediction.verdict == "not_a_digit"
        for is_certain, second in digits
    )
    if confidence < thresholds.no_number_below and sees_no_digit:
        return "no_number", confidence
    # If a digit is cut from its neighbours, it may lose a part, and the digit network may then fail
    # to recognise it. A single digit is not cut, so the digit network is believed.
    is_doubted = len(digits) == 1 and sees_no_digit
    is_sure = confidence >= thresholds.number_from and not is_doubted and is_number(text)
    return "number" if is_sure else "unsure", confidence


def features(probability: float, characters: Sequence[Character]) -> Features:
    """Return the features from which the probability that the text is right is computed.

    Args:
        probability: Probability that the number network gives to the text of the line, 0..1.
        characters: Characters of the line.
    """
    both = [one.combined for one in characters if one.second] or [0.0]
    return Features(_log_odds(probability), _log_odds(math.prod(both)))


def is_number(text: str) -> bool:
    """Return True if `text` is a number: digits, possibly with separators and a leading minus."""
    return _NUMBER.fullmatch(text) is not None


def _log_odds(probability: float) -> float:
    # Texts with the probability 0.99 are wrong more often than texts with 0.9999. The log-odds (4.6
    # and 9.2) show this difference. Logarithms would not, because both are about 0.
    bounded = min(max(probability, LEAST), MOST)
    return math.log(bounded / (1 - bounded))
