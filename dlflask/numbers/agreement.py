"""Agreement of the two networks that read a line, and the verdict that follows from it.

The number network reads the line as a whole. The digit network reads each digit alone, with a
different normalisation. The networks differ so much that they rarely make the same mistake.
Therefore a line gets the verdict `number` only if both networks find all its digits plausible.
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

#: Minimum to which `combine` raises smaller results of `_relative`. If a part of the digit was cut
#: off, the digit network may be sure of a wrong digit. Because of this minimum, the number network
#: can still choose the right digit.
LEAST_DIGIT = 0.01

#: Minimum probability with which a network still agrees to a digit, relative to the network's most
#: probable digit. The value was chosen on the development images.
PLAUSIBLE = 0.2

#: Text of a number: digits, separators between digits, and possibly a minus before all digits.
_NUMBER = re.compile(r"-?[0-9]+(?:[.,][0-9]+)*")

_DIGIT_INDICES = [ALPHABET.index(digit) for digit in DIGIT_CHARACTERS]


def combine(columns: Outputs, digit: Prediction) -> Outputs:
    """Return the score of each character of `ALPHABET` for one digit of the line.

    Args:
        columns: (T, classes) probabilities from the number network in the T output columns that
            belong to the digit.
        digit: Prediction of the digit network for the digit.

    Returns:
        (characters,) float32, in the order of `ALPHABET`. A more probable character has a higher
        score.
    """
    scores: Outputs = columns[:, 1:].max(axis=0)
    scores[_DIGIT_INDICES] *= np.maximum(_relative(digit), LEAST_DIGIT)
    return scores


def do_agree(columns: Outputs, digit: Prediction, label: str) -> bool:
    """Return True if the digit `label` is plausible for both networks.

    Args:
        columns: As for `combine`.
        digit: As for `combine`.
        label: The digit that was chosen, "0" to "9".
    """
    scores = columns[:, 1:].max(axis=0)
    by_strip = scores[ALPHABET.index(label)] / scores.max()
    return bool(min(by_strip, _relative(digit)[int(label)]) >= PLAUSIBLE)


def _relative(digit: Prediction) -> Outputs:
    """Return the digit network's probability of each digit, relative to the most probable digit."""
    relative: Outputs = digit.probabilities / digit.confidence
    return relative


def judge(
    text: str, probability: float, characters: Sequence[Character], thresholds: Thresholds
) -> tuple[str, float]:
    """Return the verdict on a line and the probability that its text is right.

    Args:
        text: Text of the line. Its digits have the highest scores of `combine`.
        probability: Probability of the text that the number network read, 0..1.
        characters: Characters of `text`. For a digit, `digit` is the digit network's prediction.
        thresholds: Weights of the features, and thresholds of the verdict.
    """
    predictions = [one.digit for one in characters if one.digit is not None]
    if not predictions or text.count(UNREADABLE) > len(predictions):
        return "no_number", 0.0
    line_features = features(probability, characters)
    confidence = thresholds.probability(line_features)
    sees_no_digit = all(one.verdict == "not_a_digit" for one in predictions)
    if confidence < thresholds.no_number_below and sees_no_digit:
        return "no_number", confidence
    # If a digit is cut from its neighbours, it may lose a part, and the digit network may then fail
    # to recognise it. A single digit is not cut, so the digit network is believed.
    is_doubted = len(predictions) == 1 and sees_no_digit
    is_probable = line_features.agreement and confidence >= thresholds.number_from
    is_sure = is_probable and not is_doubted and is_number(text)
    return "number" if is_sure else "unsure", confidence


def features(probability: float, characters: Sequence[Character]) -> Features:
    """Return the features from which the probability that the text is right is computed.

    Args:
        probability: Probability that the number network gives to the text of the line, 0..1.
        characters: Characters of the line. For a digit, `digit` is the digit network's prediction.
    """
    labelled = [(int(one.label), one.digit) for one in characters if one.digit is not None]
    # Use `outputs`, because `probabilities` leaves out the output for non-digits and would give a
    # high probability to some digit even for a mark that is not a digit.
    digits = [float(prediction.outputs[label]) for label, prediction in labelled] or [0.0]
    lowest = min((one.probability for one in characters), default=0.0)
    return Features(
        strip=_log_odds(probability),
        character=_log_odds(lowest),
        digits=_log_odds(math.prod(digits)),
        digit=_log_odds(min(digits)),
        agreement=float(all(one.is_agreed for one in characters)),
    )


def is_number(text: str) -> bool:
    """Return True if `text` is a number: digits, possibly with separators and a leading minus."""
    return _NUMBER.fullmatch(text) is not None


def _log_odds(probability: float) -> float:
    # Texts with the probability 0.99 are wrong more often than texts with 0.9999. The log-odds (4.6
    # and 9.2) show this difference. Logarithms would not, because both are about 0.
    bounded = min(max(probability, LEAST), MOST)
    return math.log(bounded / (1 - bounded))
