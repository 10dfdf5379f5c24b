"""The page's words for a prediction; static/result.js has the same."""

from __future__ import annotations

import math

from dlflask.digits.prediction import Prediction

#: More digits than this are no help to a person who asks which one it is.
MAX_NAMED = 3


def sentence(prediction: Prediction) -> str:
    """Return the prediction as a sentence."""
    if prediction.verdict == "not_a_digit":
        return "This does not look like a digit."
    if prediction.verdict == "unsure":
        return f"Not sure: {' or '.join(map(str, named(prediction)))}."
    others = "".join(f", or {_with_article(one)}" for one in prediction.candidates[1:MAX_NAMED])
    shown = percent(prediction.confidence)
    return f"This looks like {_with_article(prediction.label)} ({shown}){others}."


def _with_article(digit: int) -> str:
    return f"an {digit}" if digit == 8 else f"a {digit}"


def named(prediction: Prediction) -> list[int]:
    """The digits that the answer names, most probable first."""
    if prediction.verdict == "not_a_digit":
        return []
    return (
        prediction.candidates[:MAX_NAMED] if prediction.verdict == "unsure" else [prediction.label]
    )


def mark(prediction: Prediction, digit: int) -> str:
    """What stands at the row of `digit`: `answer`, `maybe` or nothing."""
    if digit not in named(prediction):
        return ""
    return "answer" if prediction.verdict == "digit" else "maybe"


def percent(fraction: float) -> str:
    """98.3%, and never quite 0 or 100. Rounds halves up, as the script does."""
    if fraction < 0.0005:
        return "<0.1%"
    return ">99.9%" if fraction >= 0.9995 else f"{math.floor(fraction * 1000 + 0.5) / 10:.1f}%"
