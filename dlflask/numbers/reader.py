"""Reading of lines: first the number network, then the digit network at the places found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from dlflask.digits.prediction import Prediction
from dlflask.numbers.agreement import combine, judge
from dlflask.numbers.characters import ALPHABET, CHARACTERS, DIGIT_CHARACTERS, UNREADABLE
from dlflask.numbers.decoding.alignment import Place, align
from dlflask.numbers.decoding.lengths import Lengths
from dlflask.numbers.decoding.prefix_search import Hypothesis, count_digits, search
from dlflask.numbers.lines.digit_cutting import cut_digits, to_tensor
from dlflask.numbers.lines.line_cutting import Line
from dlflask.numbers.lines.page import Page
from dlflask.numbers.normalization import STRIDE, to_strip
from dlflask.numbers.prediction import Box, Character, LineReading
from dlflask.numbers.thresholds import Thresholds
from dlflask.types import ArrayBox, Outputs, Tensor

#: Least probability of a candidate, relative to the most probable character of its place.
CANDIDATE = 0.05

#: Least probability of a text without unreadable marks, relative to the best text, which has some.
READABLE = 0.03

#: Returns the probabilities of each column of a (32, W) strip.
StripForward = Callable[[Tensor], Outputs]

#: Marks that people write after an amount.
TRAILING = ".,-"


class ReadsDigits(Protocol):
    """The part of a digit classifier that reads digits along a line."""

    def predict_many(self, tensors: Sequence[Tensor]) -> list[Prediction]:
        """Classify (28, 28) float32 tensors in one forward pass, in the order given."""


class _Located(NamedTuple):
    """Label of a character, its place in the outputs and the column of the line there."""

    label: str
    place: Place
    centre: float


@dataclass(frozen=True, eq=False)
class StripReading:
    """Text of a strip by the number network, and the places of its characters.

    Attributes:
        text: Text without trailing marks.
        whole_text: Text with trailing marks.
        probability: Probability of `whole_text`, among the texts of a possible length.
        places: Place of each character of `text`.
        without_length: Text without a restriction of the length; None if it does not differ.
        fits: True if some text has a possible length.
    """

    text: str
    whole_text: str
    probability: float
    places: Sequence[Place]
    without_length: str | None
    fits: bool


def read_strip(outputs: Outputs, lengths: Lengths | None = None) -> StripReading:
    """Decode the outputs of the number network for one strip.

    Args:
        outputs: (T, classes) probabilities.
        lengths: Numbers of digits that are possible; None for any.
    """
    free = _prefer_readable(outputs, search(outputs)[0])
    found = search(outputs, lengths) if lengths else [free]
    best = found[0] if found else free
    total = sum(one.probability for one in found)
    probability = best.probability / total if lengths and total > 0 else best.probability
    text = best.text.rstrip(TRAILING)
    before = free.text.rstrip(TRAILING)
    return StripReading(
        text=text,
        whole_text=best.text,
        probability=min(1.0, probability),
        places=align(outputs, best.text)[: len(text)],
        without_length=before if before != text else None,
        fits=bool(found),
    )


def _prefer_readable(outputs: Outputs, free: Hypothesis) -> Hypothesis:
    """Return the best text without unreadable marks, unless `free` is far more probable.

    A doubtful digit is more useful than a mark: its low probability makes the line unsure anyway.
    """
    if UNREADABLE not in free.text or count_digits(free.text) < free.text.count(UNREADABLE):
        return free
    readable = search(outputs, characters=CHARACTERS)[0]
    return readable if readable.probability >= READABLE * free.probability else free


class LineReader:
    """Reads lines by both networks and compares the results.

    Args:
        network: The number network.
        classifier: The digit network.
        thresholds: Thresholds of the verdict.
    """

    def __init__(
        self, network: StripForward, classifier: ReadsDigits, thresholds: Thresholds
    ) -> None:
        self._network, self._classifier, self._thresholds = network, classifier, thresholds

    def read(self, line: Line, page: Page, lengths: Lengths | None = None) -> LineReading:
        """Read one line of `page`."""
        strip = to_strip(line.distance)
        outputs = self._network(strip.pixels)
        reading = read_strip(outputs, lengths)
        places = [
            _Located(label, place, strip.to_line((place.start + place.stop) / 2 * STRIDE))
            for label, place in zip(reading.text, reading.places, strict=True)
        ]
        characters = self._read_digits(line, page, outputs, places)
        number = "".join(one.label for one in characters)
        verdict, confidence = judge(number, reading.probability, characters, self._thresholds)
        if verdict == "number" and not reading.fits:
            verdict = "unsure"
        is_number = verdict != "no_number"
        return LineReading(
            number=number if is_number else "",
            verdict=verdict,
            confidence=confidence if is_number else 0.0,
            box=_to_image(page, *_corners(line)),
            characters=characters if is_number else [],
            strip=strip.pixels,
            strip_text=reading.whole_text,
            strip_probability=reading.probability,
            digit_text="".join(str(one.digit.label) for one in characters if one.digit),
            without_length=reading.without_length,
        )

    def _read_digits(
        self, line: Line, page: Page, outputs: Outputs, places: Sequence[_Located]
    ) -> list[Character]:
        """Return the character at each place, the digits with the digit network's predictions."""
        if not places:
            return []
        cut = [to_tensor(ink) for ink in cut_digits(line.ink, [one.centre for one in places])]
        tensors = [
            tensor
            for (tensor, _), one in zip(cut, places, strict=True)
            if one.label in DIGIT_CHARACTERS
        ]
        predictions = iter(self._classifier.predict_many(tensors) if tensors else ())
        characters = []
        for (label, place, centre), (tensor, box) in zip(places, cut, strict=True):
            columns = outputs[place.start : place.stop]
            digit = next(predictions) if label in DIGIT_CHARACTERS else None
            scores = columns[:, 1:].max(axis=0) if digit is None else combine(columns, digit)
            chosen = (
                label
                if digit is None
                else max(DIGIT_CHARACTERS, key=lambda one: scores[_index(one)])
            )
            characters.append(
                Character(
                    label=chosen,
                    probability=float(columns[:, 1 + _index(chosen)].max()),
                    box=_box(line, page, box, centre),
                    candidates=_candidates(scores),
                    digit=digit,
                    tensor=None if digit is None else tensor,
                    is_agreed=digit is None or str(digit.label) == label,
                )
            )
        return characters


def _candidates(scores: Outputs) -> list[str]:
    order = np.argsort(-scores, kind="stable")
    return [ALPHABET[i] for i in order if scores[i] >= CANDIDATE * scores[order[0]]]


def _index(character: str) -> int:
    return ALPHABET.index(character)


def _box(line: Line, page: Page, box: ArrayBox | None, centre: float) -> Box:
    if box is None:
        middle = min(max(0, int(centre)), line.ink.shape[1] - 1)
        top, left, bottom, right = 0, middle, line.ink.shape[0], middle + 1
    else:
        top, left, bottom, right = box
    start = int(line.top[(left + right) // 2 if right < len(line.top) else -1])
    return _to_image(page, start + top, line.left + left, start + bottom, line.left + right)


def _corners(line: Line) -> tuple[int, int, int, int]:
    return line.box.top, line.box.left, line.box.bottom, line.box.right


def _to_image(page: Page, top: float, left: float, bottom: float, right: float) -> Box:
    x, y = page.left + left * page.scale, page.top + top * page.scale
    width, height = (right - left) * page.scale, (bottom - top) * page.scale
    return Box(max(0, round(x)), max(0, round(y)), max(1, round(width)), max(1, round(height)))
