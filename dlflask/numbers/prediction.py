"""Results of reading numbers: characters, lines and images, and their JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dlflask.digits.prediction import Prediction
from dlflask.numbers.decoding.lengths import Lengths
from dlflask.types import Tensor


class Box(NamedTuple):
    """Box in the upright image, in pixels."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class Character:
    """One character of a line.

    Attributes:
        label: The character: a digit, a separator, a minus, or `?` for an unreadable mark.
        probability: Probability of `label` by the number network, 0..1.
        box: Box of the character.
        candidates: Characters that are possible here, most probable first.
        digit: Prediction of the digit network for a digit; None for other characters.
        tensor: Input of the digit network, (28, 28) float32 in 0..1; None for other characters.
        is_agreed: False if the two networks read different digits.
    """

    label: str
    probability: float
    box: Box
    candidates: Sequence[str]
    digit: Prediction | None = None
    tensor: Tensor | None = None
    is_agreed: bool = True


@dataclass(frozen=True, eq=False)
class LineReading:
    """Result of one line.

    Attributes:
        number: The text of the number; empty for `no_number`.
        verdict: One of `thresholds.VERDICTS`.
        confidence: Probability that `number` is right, 0..1.
        box: Box around the line.
        characters: Characters of `number`; empty for `no_number`.
        strip: Input of the number network, (32, W) float32 in 0..1.
        strip_text: Text by the number network, with marks that are left out of `number`.
        strip_probability: Probability of `strip_text` by the number network, 0..1.
        digit_text: Digits by the digit network, at the places of the digits of `number`.
        without_length: Text if the length that the caller expects is ignored; None if this text
            is the same as `number`.
    """

    number: str
    verdict: str
    confidence: float
    box: Box
    characters: Sequence[Character]
    strip: Tensor
    strip_text: str
    strip_probability: float
    digit_text: str
    without_length: str | None = None

    def to_wire(self) -> dict[str, Any]:
        """Return the line as in the response of `POST /predictnumber`."""
        return {
            "number": self.number,
            "verdict": self.verdict,
            "confidence": to_text(self.confidence),
            "box": list(self.box),
            "digits": [
                {"label": one.label, "probability": to_text(one.probability), "box": list(one.box)}
                for one in self.characters
            ],
        }


@dataclass(frozen=True, eq=False)
class NumberResult:
    """Result of one image.

    Attributes:
        lines: Lines from top to bottom.
        upload: Bytes of the image.
        lengths: Numbers of digits that the caller allowed; None for any.
        milliseconds: Duration of each stage.
    """

    lines: Sequence[LineReading]
    upload: bytes = b""
    lengths: Lengths | None = None
    milliseconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def _read(self) -> list[LineReading]:
        return [line for line in self.lines if line.number]

    @property
    def label(self) -> str:
        """The numbers, joined by line feeds; empty without any."""
        return "\n".join(line.number for line in self._read)

    @property
    def verdict(self) -> str:
        """`number` if every number is sure, `no_number` without any, else `unsure`."""
        if not self._read:
            return "no_number"
        return "number" if all(line.verdict == "number" for line in self._read) else "unsure"

    @property
    def confidence(self) -> float:
        """Confidence of the least sure number, 0..1; 0 without any."""
        return min((line.confidence for line in self._read), default=0.0)

    def to_wire(self) -> dict[str, Any]:
        """Return the response of `POST /predictnumber`; probabilities are strings."""
        wire: dict[str, Any] = {
            "number": self.label,
            "verdict": self.verdict,
            "confidence": to_text(self.confidence),
            "lines": [line.to_wire() for line in self.lines],
            "success": True,
        }
        if any(line.without_length is not None for line in self.lines):
            texts = [
                line.number if line.without_length is None else line.without_length
                for line in self.lines
            ]
            wire["without_length"] = "\n".join(text for text in texts if text)
        return wire


def to_text(probability: float) -> str:
    """Return a probability with four decimals."""
    return f"{probability:.4f}"
