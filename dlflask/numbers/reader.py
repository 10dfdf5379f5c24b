"""Reading of a line by both networks.

The number network reads a strip, which is the normalised image of the line. The place of a
character is the range of output columns in which the network found the character. The digit network
then reads the ink at the places of doubtful digits, and of a digit that is alone in its line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from dlflask.digits.prediction import Prediction
from dlflask.numbers.characters import ALPHABET, CHARACTERS, DIGIT_CHARACTERS, UNREADABLE
from dlflask.numbers.combination import SURE, choose_digit, combine, judge
from dlflask.numbers.decoding.alignment import Place, align
from dlflask.numbers.decoding.lengths import Lengths
from dlflask.numbers.decoding.prefix_search import Hypothesis, count_digits, search
from dlflask.numbers.lines.digit_cutting import cut_digits
from dlflask.numbers.lines.line_cutting import Line
from dlflask.numbers.lines.page import Page
from dlflask.numbers.normalization import STRIDE, to_strip
from dlflask.numbers.prediction import Box, Character, LineReading, SecondReading
from dlflask.numbers.thresholds import Thresholds
from dlflask.types import ArrayBox, Outputs, Tensor

#: Minimum score of a candidate (a possible character), relative to the highest score at its place.
CANDIDATE = 0.05

#: A text with `?` is replaced by the best text without `?`, even if that text is less probable. Its
#: probability must be at least this share of the probability of the replaced text.
READABLE = 0.03

#: Function that returns the probabilities of each output column for a (32, W) strip.
StripForward = Callable[[Tensor], Outputs]

#: Characters that people write after an amount, as in `5.-`. They are removed at the end of texts.
TRAILING = ".,-"


class ReadsDigits(Protocol):
    """Interface of the digit network that `LineReader` uses."""

    def predict(self, tensor: Tensor) -> Prediction:
        """Return the prediction for one (28, 28) float32 tensor."""


class _Located(NamedTuple):
    """Label of a character, its place, and its middle as a column of the line."""

    label: str
    place: Place
    centre: float


@dataclass(frozen=True, eq=False)
class StripReading:
    """Text that the number network reads in a strip, and the places of its characters.

    Attributes:
        text: `whole_text` without the characters of `TRAILING` at its end.
        whole_text: The text as the network reads it.
        probability: Probability of `whole_text`, 0..1. If lengths are given, it is divided by the
            sum of the probabilities of all texts of these lengths that the search found.
        places: Place of each character of `text`.
        without_length: Text that is read if the lengths are ignored; None if `text` is the same.
        fits: False if lengths are given and the search found no text of these lengths.
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
        lengths: Possible numbers of digits; None for any.
    """
    unrestricted = _prefer_readable(outputs, search(outputs)[0])
    found = search(outputs, lengths) if lengths else [unrestricted]
    best = found[0] if found else unrestricted
    total = sum(one.probability for one in found)
    probability = best.probability / total if lengths and total > 0 else best.probability
    text = best.text.rstrip(TRAILING)
    without_length = unrestricted.text.rstrip(TRAILING)
    return StripReading(
        text=text,
        whole_text=best.text,
        probability=min(1.0, probability),
        places=align(outputs, best.text)[: len(text)],
        without_length=without_length if without_length != text else None,
        fits=bool(found),
    )


def _prefer_readable(outputs: Outputs, best: Hypothesis) -> Hypothesis:
    """Return the best text without `?`, unless `best` is far more probable.

    A doubtful digit is more useful than `?`. The user still gets a warning: a text with a
    doubtful digit has a low probability, which leads to the verdict `unsure`.
    """
    if UNREADABLE not in best.text or count_digits(best.text) < best.text.count(UNREADABLE):
        return best
    readable = search(outputs, characters=CHARACTERS)[0]
    return readable if readable.probability >= READABLE * best.probability else best


class LineReader:
    """Reads lines with both networks, and compares the results.

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
        located = [
            _Located(label, place, strip.to_line((place.start + place.stop) / 2 * STRIDE))
            for label, place in zip(reading.text, reading.places, strict=True)
        ]
        characters = self._read_digits(line, page, outputs, located)
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
            without_length=reading.without_length,
        )

    def _read_digits(
        self, line: Line, page: Page, outputs: Outputs, located: Sequence[_Located]
    ) -> list[Character]:
        """Return the character at each place."""
        if not located:
            return []
        is_alone = sum(one.label in DIGIT_CHARACTERS for one in located) == 1
        pieces = cut_digits(line.ink, line.labels, [one.centre for one in located])
        characters = []
        for (label, place, centre), (ink, box) in zip(located, pieces, strict=True):
            probabilities: Outputs = outputs[place.start : place.stop, 1:].max(axis=0)
            scores, second, is_certain, combined = probabilities, None, False, 1.0
            if label in DIGIT_CHARACTERS:
                second = SecondReading(ink, self._classifier.predict)
                is_certain = not is_alone and bool(probabilities[_index(label)] >= SURE)
                if not is_certain:
                    scores = combine(probabilities, second.prediction)
                label, combined = choose_digit(scores)  # noqa: PLW2901  the final label
            characters.append(
                Character(
                    label=label,
                    probability=float(probabilities[_index(label)]),
                    box=_box(line, page, box, centre),
                    candidates=_candidates(scores),
                    second=second,
                    is_certain=is_certain,
                    combined=combined,
                )
            )
        return characters


def _candidates(scores: Outputs) -> list[str]:
    values = scores.tolist()
    minimum = CANDIDATE * max(values)
    found = [(value, one) for value, one in zip(values, ALPHABET, strict=True) if value >= minimum]
    return [one for _, one in sorted(found, key=lambda pair: -pair[0])]


def _index(character: str) -> int:
    return ALPHABET.index(character)


def _box(line: Line, page: Page, box: ArrayBox | None, centre: float) -> Box:
    """Return a character's box in the image.

    Args:
        line: The line.
        page: The page of the line.
        box: Box around the character's ink in the line; None if the character has no ink.
        centre: Column of the line in the middle of the character, used if there is no ink.
    """
    if box is None:
        middle = min(max(0, int(centre)), line.ink.shape[1] - 1)
        top, left, bottom, right = 0, middle, line.ink.shape[0], middle + 1
    else:
        top, left, bottom, right = box
    # The line was straightened, so its first row comes from a different row of the page in each
    # column. Take the row at the middle column of the box.
    upper = int(line.top[(left + right) // 2 if right < len(line.top) else -1])
    return _to_image(page, upper + top, line.left + left, upper + bottom, line.left + right)


def _corners(line: Line) -> tuple[int, int, int, int]:
    return line.box.top, line.box.left, line.box.bottom, line.box.right


def _to_image(page: Page, top: float, left: float, bottom: float, right: float) -> Box:
    """Convert a box in pixels of the page to a box in pixels of the image."""
    x, y = page.left + left * page.scale, page.top + top * page.scale
    width, height = (right - left) * page.scale, (bottom - top) * page.scale
    return Box(max(0, round(x)), max(0, round(y)), max(1, round(width)), max(1, round(height)))
