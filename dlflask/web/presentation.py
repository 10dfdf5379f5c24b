"""Words for a prediction on the page. static/result.js has the same."""

from __future__ import annotations

import math

from dlflask.digits.prediction import Prediction
from dlflask.digits.thresholds import SEVERAL_DIGITS

#: Most digits in one sentence. More do not help a person who asks which digit it is.
MAX_NAMED = 3


def sentence(prediction: Prediction, verdict: str) -> str:
    """Return the prediction as a sentence."""
    if verdict == "not_a_digit":
        return "This does not look like a digit."
    if verdict == SEVERAL_DIGITS:
        return "This shows several digits."
    if verdict == "unsure":
        return f"Not sure: {' or '.join(map(str, named_digits(prediction, verdict)))}."
    others = "".join(f", or {_with_article(one)}" for one in prediction.candidates[1:MAX_NAMED])
    confidence = percent(prediction.confidence)
    return f"This looks like {_with_article(prediction.label)} ({confidence}){others}."


def explanation(prediction: Prediction, verdict: str) -> str:
    """Return why no digit was read, although one of the bars may be long; empty otherwise."""
    if verdict != "not_a_digit" or not prediction.not_a_digit:
        return ""
    return (
        f"Not a digit: {percent(prediction.not_a_digit)}. The bars only compare the digits with "
        "each other."
    )


def _with_article(digit: int) -> str:
    return f"an {digit}" if digit == 8 else f"a {digit}"


def named_digits(prediction: Prediction, verdict: str) -> list[int]:
    """Return the digits that the page marks, most probable first."""
    if verdict in ("not_a_digit", SEVERAL_DIGITS):
        return []
    return prediction.candidates[:MAX_NAMED] if verdict == "unsure" else [prediction.label]


def row_mark(prediction: Prediction, verdict: str, digit: int) -> str:
    """Return the mark in the table's row of `digit`: `answer`, `maybe` or an empty string."""
    if digit not in named_digits(prediction, verdict):
        return ""
    return "answer" if verdict == "digit" else "maybe"


def percent(fraction: float) -> str:
    """Return a percentage such as 98.3%, never 0% or 100%. Round halves up, as result.js does."""
    if fraction < 0.0005:
        return "<0.1%"
    return ">99.9%" if fraction >= 0.9995 else f"{math.floor(fraction * 1000 + 0.5) / 10:.1f}%"
