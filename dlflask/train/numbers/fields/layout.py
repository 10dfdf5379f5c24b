"""Layout of a number: gaps, groups, combs (rows of cells for one digit each), and the baseline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlflask.train.numbers.fields.characters import Character, Hand
from dlflask.train.numbers.fields.pen import Canvas, draw_segment, paste

#: Four kinds of gaps between characters: share of the numbers with these gaps, and minimum and
#: maximum of the gaps, relative to the height of a digit. A negative gap is an overlap.
_GAPS = ((0.12, -0.14, 0.0), (0.38, 0.0, 0.15), (0.33, 0.15, 0.45), (0.17, 0.45, 1.1))
#: Share of the gaps beside separators that are tight, and minimum and maximum of a tight gap.
_TIGHT_SHARE, _TIGHT_GAP = 0.08, (-0.15, 0.08)
#: Maximum overlap of two characters, relative to the width of the narrower character.
_MAX_OVERLAP = 0.3


@dataclass(frozen=True)
class Row:
    """Positions of the characters along the line, in pixels.

    Attributes:
        lefts: Left edge of each character.
        pitch: Left edges of the comb's cells, followed by the right edge of its last cell. It is
            empty if there is no comb.
        width: Width of the whole number.
    """

    lefts: list[float]
    pitch: list[float]
    width: float


@dataclass(frozen=True)
class Sheet:
    """Ink of a number on its paper.

    Attributes:
        ink: (height, width) float32 in 0..1.
        before: Columns of paper before the number.
        above: Rows of paper above the digits, without the drift of the baseline.
    """

    ink: Canvas
    before: float
    above: float


def place(characters: list[Character], hand: Hand) -> Row:
    """Place the characters side by side or in the cells of a comb."""
    if hand.parts.combs and hand.rng.random() < 0.1:
        return _in_cells(characters, hand)
    rng, parts = hand.rng, hand.parts
    shares = [share for share, _, _ in _GAPS]
    _, low, high = _GAPS[int(rng.choice(len(_GAPS), p=shares))]
    base = rng.uniform(low, high) if parts.spacing else 0.15
    groups = int(rng.choice([0, 2, 3, 4, 5], p=[0.75, 0.08, 0.08, 0.05, 0.04]))
    lefts, x = [], 0.0
    for index, character in enumerate(characters):
        lefts.append(x)
        gap = base + (rng.normal(0, 0.07) if parts.spacing else 0)
        following = characters[min(index + 1, len(characters) - 1)]
        if not (character.is_digit and following.is_digit):
            gap = _separator_gap(gap, hand)
        if groups and parts.spacing and (index + 1) % groups == 0:
            gap += rng.uniform(0.3, 0.7)
        narrower = min(character.glyph.advance, following.glyph.advance)
        x += character.glyph.advance + max(gap * hand.height, -_MAX_OVERLAP * narrower)
    return Row(lefts, [], lefts[-1] + characters[-1].glyph.advance)


def _separator_gap(gap: float, hand: Hand) -> float:
    """Return the gap on one side of a separator, relative to the height of a digit.

    A separator stands closer than a digit. It may touch its neighbours, or a part of it may be
    below or above them.
    """
    if hand.parts.spacing and hand.rng.random() < _TIGHT_SHARE:
        return float(hand.rng.uniform(*_TIGHT_GAP))
    return max(0.5 * gap, 0.08) + 1.4 * hand.pen.width / hand.height


def _in_cells(characters: list[Character], hand: Hand) -> Row:
    advances = [character.glyph.advance for character in characters]
    cell = max(hand.height * hand.rng.uniform(0.8, 1.3), *(0.9 * each for each in advances))
    pitch = [index * cell for index in range(len(characters) + 1)]
    lefts = [
        left + (cell - advance) / 2 + hand.rng.normal(0, 0.06) * cell
        for left, advance in zip(pitch[:-1], advances, strict=True)
    ]
    return Row(lefts, pitch, pitch[-1])


def compose(characters: list[Character], row: Row, hand: Hand) -> Sheet:
    """Draw the characters on a sheet with margins, along a baseline that rises, falls and waves."""
    rng, parts, height = hand.rng, hand.parts, hand.height
    above, below = (height * _margin(rng) for _ in range(2))
    before, after = (height * rng.uniform(0.05, 0.9) for _ in range(2))
    if rng.random() < 0.1:
        after += height * rng.uniform(0.5, 3)
    slope = rng.normal(0, 0.035) if parts.drift else 0.0
    wave = height * rng.uniform(0, 0.1) if parts.drift else 0.0
    phase, length = rng.uniform(0, 6.28), height * rng.uniform(2, 8)
    rise = abs(slope) * row.width
    shape = round(above + height + rise + below), round(before + row.width + after)
    canvas = np.zeros(shape, np.float32)
    floor = above + height + rise / 2
    for character, left in zip(characters, row.lefts, strict=True):
        glyph = character.glyph
        middle = left + glyph.advance / 2
        baseline = floor + slope * (middle - row.width / 2) + wave * np.sin(middle / length + phase)
        baseline += rng.normal(0, 0.03) * height
        rows, columns = glyph.ink.shape
        top = baseline - character.rise - rows + glyph.pad
        paste(canvas, glyph.ink, before + middle - columns / 2, top)
    if parts.spacing and rng.random() < 0.08 and len(characters) > 1:
        _tie(canvas, [before + left for left in row.lefts], floor - height / 2, hand)
    return Sheet(canvas, before, above)


def _margin(rng: np.random.Generator) -> float:
    """Return a random height of the paper above or below digits, relative to the digits' height."""
    kind = rng.random()
    if kind < 0.6:
        return float(rng.uniform(0.08, 0.3))
    return float(rng.uniform(0.0, 0.08) if kind < 0.75 else rng.uniform(0.3, 0.55))


def _tie(canvas: Canvas, lefts: list[float], middle: float, hand: Hand) -> None:
    """Join two neighbours by a stroke, as people who write fast do."""
    index = int(hand.rng.integers(1, len(lefts)))
    y0, y1 = (middle + hand.rng.uniform(-0.4, 0.4, 2) * hand.height).tolist()
    x0, x1 = lefts[index] - 0.15 * hand.height, lefts[index] + 0.15 * hand.height
    segment = draw_segment((x0, y0), (x1, y1), hand.pen)
    paste(canvas, segment.ink, min(x0, x1) - segment.pad, min(y0, y1) - segment.pad)
