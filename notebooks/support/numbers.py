"""Numbers written with digits of MNIST, and how the service reads them, for the notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dlflask.evaluate.metrics import Rate, rate
from dlflask.numbers.decoding.prefix_search import Hypothesis
from dlflask.numbers.prediction import LineReading
from dlflask.numbers.recogniser import NumberRecogniser
from dlflask.recogniser import read

Images = NDArray[np.uint8]

#: Paper around a number, in pixels, and how much a digit is enlarged.
MARGIN, SCALE = 24, 2

#: Grey values of ink and paper.
INK, PAPER = 45, 225


def write_number(
    number: str,
    digits: tuple[Images, NDArray[np.integer]],
    rng: np.random.Generator,
    gap: float = 0.15,
) -> Image.Image:
    """Write a number with digits of MNIST, as a photo in uneven light shows it.

    Args:
        number: Digits.
        digits: (N, 28, 28) images and (N,) labels.
        rng: Chooses the digits and moves them up and down.
        gap: Distance between the ink of two digits, in heights of a digit; negative for overlap.
    """
    images, labels = digits
    chosen = [images[rng.choice(np.flatnonzero(labels == int(digit)))] for digit in number]
    narrow = [image[:, np.flatnonzero(image.max(axis=0) > 100)] for image in chosen]
    space = round(gap * 20)
    line = np.zeros((34, sum(image.shape[1] + space for image in narrow) + 40), np.float32)
    left = 20
    for image in narrow:
        top, width = int(rng.integers(1, 6)), image.shape[1]
        here = line[top : top + 28, left : left + width]
        np.maximum(here, image / 255, out=here)
        left += width + space
    ink = Image.fromarray(np.uint8(255 * line[:, : left + 20]))
    large = ink.resize((SCALE * ink.width, SCALE * ink.height), Image.Resampling.BICUBIC)
    dark = np.pad(np.asarray(large, np.float32) / 255, ((MARGIN, MARGIN), (0, 0)))
    light = np.linspace(1, 0.7, dark.shape[1])
    page = (PAPER - (PAPER - INK) * np.clip(dark, 0, 1)) * light
    return Image.fromarray(np.uint8(page))


def encode_png(image: Image.Image) -> bytes:
    """Return the image as a PNG file."""
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def draw_numbers(count: int, rng: np.random.Generator, longest: int = 8) -> list[str]:
    """Return numbers of 1 to `longest` random digits."""
    lengths = rng.integers(1, longest + 1, count)
    return ["".join(map(str, rng.integers(0, 10, length))) for length in lengths]


def describe_texts(found: Sequence[Hypothesis], count: int = 3) -> str:
    """Return the most probable texts with their probabilities, one a line."""
    return "\n".join(f"{one.text:>10}  {one.probability:.4f}" for one in found[:count])


def describe_readers(line: LineReading) -> list[str]:
    """Return rows of a Markdown table: both networks' reading of each digit."""
    rows = ["| place | number network | digit network |", "|---|---|---|"]
    for place, one in enumerate(line.characters, start=1):
        if one.second:
            digit = one.second.prediction
            cells = f"{one.label}, {one.probability:.1%} | {digit.label}, {digit.confidence:.1%}"
            rows.append(f"| {place} | {cells} |")
    return rows


@dataclass(frozen=True)
class GapResults:
    """Readings of numbers at several distances of their digits.

    Attributes:
        right: Share of the numbers read correctly, for each distance.
        wrong: Image, number, text that was read and verdict of each other number.
    """

    right: list[Rate]
    wrong: list[tuple[Image.Image, str, str, str]]


def read_gaps(
    recogniser: NumberRecogniser,
    digits: tuple[Images, NDArray[np.integer]],
    gaps: Sequence[float],
    count: int,
    seed: int,
) -> GapResults:
    """Read `count` numbers of four digits at each distance; the numbers are the same for all."""
    rates, wrong = [], []
    for gap in gaps:
        rng = np.random.default_rng(seed)
        hits = 0
        for number in rng.integers(1_000, 10_000, count).astype(str).tolist():
            image = write_number(number, digits, rng, gap)
            result = read(recogniser, encode_png(image))
            if result.label == number:
                hits += 1
            else:
                text = result.label.replace("\n", " / ")
                wrong.append((image, number, text, result.verdict))
        rates.append(rate(hits, count))
    return GapResults(rates, wrong)
