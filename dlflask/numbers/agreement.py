"""Agreement of the two readers, and the verdict that follows from it.

The number network reads the line as a whole; the digit network reads each digit alone, from
another normalisation. Two readers that are so unlike rarely make the same mistake.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dlflask.numbers.characters import UNREADABLE
from dlflask.numbers.prediction import Character
from dlflask.numbers.thresholds import Thresholds

#: Digits, with separators between them and possibly a minus before them.
_NUMBER = re.compile(r"-?[0-9]+(?:[.,][0-9]+)*")


def judge(
    text: str, probability: float, characters: Sequence[Character], thresholds: Thresholds
) -> tuple[str, float]:
    """Return the verdict on a line and the probability that its text is right.

    Args:
        text: Text by the number network.
        probability: Its probability, 0..1.
        characters: Characters of `text`, the digits with the digit network's predictions.
        thresholds: Weights and thresholds.
    """
    digits = [(int(one.label), one.digit) for one in characters if one.digit is not None]
    if not digits or text.count(UNREADABLE) > len(digits):
        return "no_number", 0.0
    agree = all(label == digit.label for label, digit in digits)
    # Of all outputs, so that a mark that is not a digit lowers it.
    by_digits = [float(digit.outputs[label]) for label, digit in digits]
    confidence = thresholds.probability(probability, by_digits, agree=agree)
    others = sum(digit.verdict == "not_a_digit" for _, digit in digits)
    if confidence < thresholds.no_number_below and 2 * others > len(digits):
        return "no_number", confidence
    is_sure = agree and confidence >= thresholds.number_from and _NUMBER.fullmatch(text)
    return "number" if is_sure else "unsure", confidence
