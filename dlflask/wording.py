"""A prediction in, what the page says of it out; the page's script says the same words."""

from __future__ import annotations

from dlflask.prediction import Prediction


def sentence(prediction: Prediction) -> str:
    """The answer as a person would say it."""
    if prediction.verdict == "not_a_digit":
        return "This does not look like a digit."
    if prediction.verdict == "unsure":
        named = " or ".join(str(label) for label in prediction.candidates[:3])
        return f"Not sure: {named}."
    return f"This looks like a {prediction.label} ({percent(prediction.confidence)})."


def percent(fraction: float) -> str:
    """98.3%, and never quite 0 or 100."""
    if fraction < 0.0005:
        return "<0.1%"
    return ">99.9%" if fraction >= 0.9995 else f"{fraction:.1%}"
