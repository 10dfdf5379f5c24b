"""Writing of a number: which hand, with how much space, how straight and how large."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dlflask.train.numbers.fields.material import Material
from dlflask.train.numbers.fields.parts import Parts
from dlflask.train.numbers.fields.pen import Canvas, Glyph, Pen, draw_line, draw_segment, paste

#: Chooses the line of a digit, and tells whether MNIST's own ink is drawn.
Hand = Callable[[int], tuple[int, bool]]

#: Gaps between characters, relative to their height: the shares of four kinds, and their ranges.
_GAPS = ((0.12, -0.14, 0.0), (0.38, 0.0, 0.15), (0.33, 0.15, 0.45), (0.17, 0.45, 1.1))
#: Largest overlap of two characters, relative to the narrower one.
_MAX_OVERLAP = 0.3


@dataclass(frozen=True)
class Writing:
    """Ink of a number in its field.

    Attributes:
        ink: (height, width) float32 in 0..1.
        label: The number, with "?" for each mark that cannot be read.
        height: Usual height of a digit in pixels.
        pitch: Left edges of the comb's cells, in pixels; empty without a comb.
        top: Row of the digits' upper edge, before the line drifts.
    """

    ink: Canvas
    label: str
    height: float
    pitch: list[float]
    top: float


def write(number: str, material: Material, parts: Parts, rng: np.random.Generator) -> Writing:
    """Write `number` by one hand with one pen."""
    height = float(rng.uniform(24, 44))
    pen = Pen(
        width=height * float(np.exp(rng.uniform(np.log(0.035), np.log(0.17)))),
        edge=float(rng.uniform(0.8, 2.0)),
        shear=float(rng.normal(0.05, 0.2)),
        stretch=float(np.exp(rng.normal(0, 0.17))),
    )
    hand = _choose_hand(material, parts, rng)
    label, glyphs = _draw_characters(number, height, pen, hand, material, parts, rng)
    comb = parts.combs and rng.random() < 0.1
    lefts, pitch, width = _place(glyphs, height, rng, comb=comb, parts=parts)
    return _compose(glyphs, lefts, label, height, pen, pitch, width, parts, rng)


def _choose_hand(material: Material, parts: Parts, rng: np.random.Generator) -> Hand:
    kind = rng.random()
    if parts.fonts and material.by_font and kind < 0.2:
        font = material.by_font[rng.integers(len(material.by_font))]
        return lambda digit: (font[digit], False)
    if parts.hands and kind < 0.62:
        # One hand writes a digit the same way each time, and mixes forms seldom.
        styles = [int(rng.integers(len(forms))) for forms in material.by_style]
        own = [int(rng.integers(1_000_000)) for _ in range(10)]
        spread = int(rng.integers(1, 40))

        def by_style(digit: int) -> tuple[int, bool]:
            forms = material.by_style[digit][styles[digit]]
            return int(forms[(own[digit] + rng.integers(spread)) % len(forms)]), False

        return by_style
    slant = rng.beta(1.5, 1.5)
    ink = rng.random() < 0.4

    def by_slant(digit: int) -> tuple[int, bool]:
        same = material.by_slant[digit]
        place = np.clip(slant + rng.normal(0, 0.06), 0, 0.9999)
        return int(same[int(place * len(same))]), ink

    return by_slant


@dataclass(frozen=True)
class _Placed:
    """A character with its glyph, and its glyph's lower edge above the baseline, in pixels."""

    glyph: Glyph
    rise: float
    is_digit: bool


def _draw_characters(
    number: str,
    height: float,
    pen: Pen,
    hand: Hand,
    material: Material,
    parts: Parts,
    rng: np.random.Generator,
) -> tuple[str, list[_Placed]]:
    label, placed = [], []
    swing = rng.uniform(0, 0.09)
    unreadable = parts.unreadable and rng.random() < 0.07
    rate = rng.choice([0.15, 0.3, 1.0], p=[0.6, 0.3, 0.1]) if unreadable else 0.0
    for character in number:
        size = height * float(np.exp(rng.normal(0, swing)))
        if character.isdigit() and rng.random() < rate:
            label.append("?")
            placed.append(_draw_unreadable(int(character), size, pen, hand, material, rng))
        elif character.isdigit():
            label.append(character)
            index, own = hand(int(character))
            turn = float(rng.normal(0, 0.05))
            glyph = draw_line(material, index, size, pen, turn, own=own)
            placed.append(_Placed(glyph, 0.0, True))  # noqa: FBT003
        else:
            label.append(character)
            placed.append(_draw_sign(character, size, pen, rng))
    return "".join(label), placed


def _draw_unreadable(
    digit: int, size: float, pen: Pen, hand: Hand, material: Material, rng: np.random.Generator
) -> _Placed:
    """Draw a letter or another mark, or a digit that is crossed out or blotted."""
    if rng.random() < 0.55:
        index = int(material.marks[rng.integers(len(material.marks))])
        return _Placed(draw_line(material, index, size, pen), 0.0, True)  # noqa: FBT003
    index, own = hand(digit)
    glyph = draw_line(material, index, size, pen, own=own)
    ink = glyph.ink.copy()
    rows, columns = ink.shape
    strokes = int(rng.integers(3, 9))
    xs = np.where(np.arange(strokes + 1) % 2, columns - glyph.pad, glyph.pad)
    xs = xs + rng.normal(0, 0.1 * columns, strokes + 1)
    ys = np.sort(rng.uniform(glyph.pad, rows - glyph.pad, strokes + 1))
    bold = Pen(pen.width * rng.uniform(1, 1.8), pen.edge, 0, 1)
    for i in range(strokes):
        start, stop = (float(xs[i]), float(ys[i])), (float(xs[i + 1]), float(ys[i + 1]))
        segment = draw_segment(start, stop, bold)
        left, top = min(start[0], stop[0]) - segment.pad, min(start[1], stop[1]) - segment.pad
        paste(ink, segment.ink, left, top)
    return _Placed(Glyph(ink, glyph.pad, glyph.advance), 0.0, True)  # noqa: FBT003


def _draw_sign(character: str, size: float, pen: Pen, rng: np.random.Generator) -> _Placed:
    """Draw a separator on the baseline or a dash above it."""
    if character == ".":
        dot = Pen(pen.width * rng.uniform(1, 1.7), pen.edge, 0, 1)
        length = float(rng.uniform(0, 0.05) * size)
        return _Placed(
            draw_segment((0, 0), (length, length * rng.uniform(-1, 1)), dot),
            float(rng.uniform(-0.06, 0.1) * size),
            False,  # noqa: FBT003
        )
    if character == ",":
        tall = float(rng.uniform(0.13, 0.32) * size)
        lean = float(rng.uniform(-0.15, 0.8) * tall)
        return _Placed(draw_segment((lean, 0), (0, tall), pen), -0.6 * tall, False)  # noqa: FBT003
    wide = float(rng.uniform(0.3, 0.75) * size * (3 if rng.random() < 0.15 else 1))
    lift = float(rng.uniform(-0.12, 0.12) * wide)
    return _Placed(
        draw_segment((0, 0), (wide, lift), pen), float(rng.uniform(0.3, 0.6) * size), False  # noqa: FBT003
    )  # fmt: skip


def _place(
    placed: list[_Placed], height: float, rng: np.random.Generator, *, comb: bool, parts: Parts
) -> tuple[list[float], list[float], float]:
    """Return the left edge of each character, of each cell of a comb, and the total width."""
    if comb:
        cell = max(height * rng.uniform(0.8, 1.3), *(p.glyph.advance * 0.9 for p in placed))
        pitch = [i * cell for i in range(len(placed) + 1)]
        lefts = [
            left + (cell - p.glyph.advance) / 2 + rng.normal(0, 0.06) * cell
            for left, p in zip(pitch[:-1], placed, strict=True)
        ]
        return lefts, pitch, pitch[-1]
    shares = [share for share, _, _ in _GAPS]
    _, low, high = _GAPS[int(rng.choice(len(_GAPS), p=shares))]
    base = rng.uniform(low, high) if parts.spacing else 0.15
    groups = int(rng.choice([0, 2, 3, 4, 5], p=[0.75, 0.08, 0.08, 0.05, 0.04]))
    lefts, x = [], 0.0
    for i, p in enumerate(placed):
        lefts.append(x)
        gap = base + (rng.normal(0, 0.07) if parts.spacing else 0)
        follows = placed[i + 1] if i + 1 < len(placed) else p
        if not (p.is_digit and follows.is_digit):
            # A separator stands closer, and never on its neighbour.
            gap = max(0.5 * gap, 0.04) + 0.03
        if groups and parts.spacing and (i + 1) % groups == 0:
            gap += rng.uniform(0.3, 0.7)
        narrower = min(p.glyph.advance, follows.glyph.advance)
        x += p.glyph.advance + max(gap * height, -_MAX_OVERLAP * narrower)
    return lefts, [], lefts[-1] + placed[-1].glyph.advance


def _compose(  # noqa: PLR0913
    placed: list[_Placed],
    lefts: list[float],
    label: str,
    height: float,
    pen: Pen,
    pitch: list[float],
    width: float,
    parts: Parts,
    rng: np.random.Generator,
) -> Writing:
    above, below = (height * _margin(rng) for _ in range(2))
    before, after = (height * rng.uniform(0.05, 0.9) for _ in range(2))
    if rng.random() < 0.1:
        after += height * rng.uniform(0.5, 3)
    slope = rng.normal(0, 0.035) if parts.drift else 0.0
    wave = height * rng.uniform(0, 0.1) if parts.drift else 0.0
    phase, length = rng.uniform(0, 6.28), height * rng.uniform(2, 8)
    rise = abs(slope) * width
    canvas = np.zeros(
        (round(above + height + rise + below), round(before + width + after)), np.float32
    )
    floor = above + height + rise / 2
    for p, left in zip(placed, lefts, strict=True):
        middle = left + p.glyph.advance / 2
        baseline = floor + slope * (middle - width / 2) + wave * np.sin(middle / length + phase)
        baseline += rng.normal(0, 0.03) * height
        rows, columns = p.glyph.ink.shape
        top = baseline - p.rise - rows + p.glyph.pad
        paste(canvas, p.glyph.ink, before + middle - columns / 2, top)
    if parts.spacing and rng.random() < 0.05 and len(placed) > 1:
        _tie(canvas, [before + left for left in lefts], floor - height / 2, height, pen, rng)
    return Writing(canvas, label, height, [before + left for left in pitch], above)


def _margin(rng: np.random.Generator) -> float:
    """Return the paper above or below the digits, relative to their height."""
    kind = rng.random()
    if kind < 0.6:
        return float(rng.uniform(0.08, 0.3))
    return float(rng.uniform(0.0, 0.08) if kind < 0.75 else rng.uniform(0.3, 0.55))


def _tie(
    canvas: Canvas,
    lefts: list[float],
    middle: float,
    height: float,
    pen: Pen,
    rng: np.random.Generator,
) -> None:
    """Join two neighbours by a stroke, as fast hands do."""
    i = int(rng.integers(1, len(lefts)))
    y0, y1 = middle + rng.uniform(-0.4, 0.4, 2) * height
    x0, x1 = lefts[i] - 0.15 * height, lefts[i] + 0.15 * height
    segment = draw_segment((x0, y0), (x1, y1), pen)
    paste(canvas, segment.ink, min(x0, x1) - segment.pad, min(y0, y1) - segment.pad)
