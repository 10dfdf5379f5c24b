"""Results for a character, a line and an image, and the JSON of the response."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from dlflask.digits.prediction import Prediction
from dlflask.numbers.decoding.lengths import Lengths
from dlflask.numbers.lines.digit_cutting import to_tensor
from dlflask.types import Ink, Tensor


class Box(NamedTuple):
    """Rectangle in the upright image, in pixels."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class SecondReading:
    """Reading of one digit by the digit network.

    The network is called only when its prediction is needed.

    Attributes:
        ink: Ink of the digit, (height, width) float32 in 0..1.
        predict: Function that calls the digit network.
    """

    ink: Ink
    predict: Callable[[Tensor], Prediction]

    @cached_property
    def tensor(self) -> Tensor:
        """Input of the digit network, (28, 28) float32 in 0..1."""
        return to_tensor(self.ink)

    @cached_property
    def prediction(self) -> Prediction:
        """Prediction of the digit network."""
        return self.predict(self.tensor)


@dataclass(frozen=True, eq=False)
class Character:
    """One character of a line.

    Attributes:
        label: The character: a digit, a separator, a minus, or `?` for an unreadable mark.
        probability: Probability of `label` according to the number network, 0..1.
        box: Box around the character.
        candidates: Possible characters, most probable first.
        second: Reading by the digit network if the character is a digit, otherwise None.
        is_certain: True if the number network is so certain of a digit that the digit network was
            not needed to choose `label`.
        combined: Probability of `label` if the character is one of the ten digits, 0..1, according
            to both networks, or to the number network if `is_certain`. It is 1 for other
            characters.
    """

    label: str
    probability: float
    box: Box
    candidates: Sequence[str]
    second: SecondReading | None = None
    is_certain: bool = False
    combined: float = 1.0


@dataclass(frozen=True, eq=False)
class LineReading:
    """Result of one line.

    Attributes:
        number: The text of the number; empty if the verdict is `no_number`.
        verdict: One of `thresholds.VERDICTS`.
        confidence: Probability that `number` is right, 0..1.
        box: Box around the line.
        characters: Characters of `number`; empty if the verdict is `no_number`.
        strip: Input of the number network, (32, W) float32 in 0..1.
        strip_text: Text that the number network alone reads. It may end with separators and a
            minus, which `number` leaves out.
        strip_probability: Probability of `strip_text` according to the number network, 0..1.
        without_length: Text that the number network reads if it ignores the length that the caller
            expects; None if the length makes no difference.
    """

    number: str
    verdict: str
    confidence: float
    box: Box
    characters: Sequence[Character]
    strip: Tensor
    strip_text: str
    strip_probability: float
    without_length: str | None = None

    @property
    def digit_text(self) -> str:
        """The digits that the digit network reads, one for each digit of `number`."""
        return "".join(str(one.second.prediction.label) for one in self.characters if one.second)

    def to_wire(self) -> dict[str, Any]:
        """Return the line in the form that the response of `POST /predictnumber` contains."""
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
        lines: Results of the lines, from top to bottom.
        upload: Bytes of the image file.
        lengths: Minimum and maximum number of digits that the caller expects; None for any number.
        milliseconds: Duration of each stage, by its name.
    """

    lines: Sequence[LineReading]
    upload: bytes = b""
    lengths: Lengths | None = None
    milliseconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def _lines_with_number(self) -> list[LineReading]:
        return [line for line in self.lines if line.number]

    @property
    def label(self) -> str:
        """The numbers of all lines, joined by line feeds; empty if there is no number."""
        return "\n".join(line.number for line in self._lines_with_number)

    @property
    def verdict(self) -> str:
        """`no_number` if all lines have it, `unsure` if a line has it, `number` otherwise."""
        if not self._lines_with_number:
            return "no_number"
        is_sure = all(line.verdict == "number" for line in self._lines_with_number)
        return "number" if is_sure else "unsure"

    @property
    def confidence(self) -> float:
        """Minimum confidence of all numbers, 0..1; 0 if there is no number."""
        return min((line.confidence for line in self._lines_with_number), default=0.0)

    def to_wire(self) -> dict[str, Any]:
        """Return the response of `POST /predictnumber`. Its probabilities are strings."""
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
    """Return a probability as text with four decimals."""
    return f"{probability:.4f}"
