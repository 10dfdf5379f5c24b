"""Drawing of the characters of a number, readable or not, by one hand with one pen.

A hand is the handwriting of one person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dlflask.train.numbers.fields.joined_zeros import COUNTS
from dlflask.train.numbers.fields.material import Material
from dlflask.train.numbers.fields.pen import Form, Glyph, Line, Pen, draw_line, draw_segment, paste
from dlflask.train.numbers.parts import Parts

#: Standard deviation of the movement of the grid points that bend a digit, relative to its height.
BEND = 0.06

#: Function that chooses the line (one thinned form) of a digit.
Choice = Callable[[int], Line]


@dataclass(frozen=True)
class Character:
    """One character of a number.

    Attributes:
        glyph: Ink of the character.
        rise: Height of its lower edge above the baseline, in pixels.
        is_digit: True for a digit, readable or not. False for a separator, which stands closer to
            its neighbours.
    """

    glyph: Glyph
    rise: float = 0.0
    is_digit: bool = True


@dataclass(frozen=True)
class Hand:
    """One hand with one pen, which writes the whole field.

    Attributes:
        material: Lines (thinned shapes) of digits and other marks.
        parts: Parts of the synthesis that are drawn.
        rng: The only source of randomness.
        height: Usual height of a digit in pixels.
        pen: Width of the strokes, and slant.
        choose: Function that chooses the form of a digit.
    """

    material: Material
    parts: Parts
    rng: np.random.Generator
    height: float
    pen: Pen
    choose: Choice

    def draw_digit(self, digit: int, size: float) -> Character:
        """Draw `digit` with a height of `size` pixels."""
        line = self.choose(digit)
        bend = self.rng.normal(0, BEND * size * self.parts.bends, (3, 3, 2))
        form = Form(float(self.rng.normal(0, 0.05)), bend)
        return Character(draw_line(self.material, line, size, self.pen, form))

    def draw_zeros(self, count: int, size: float) -> Character:
        """Draw `count` joined zeros, as one character."""
        lines = self.material.joined_zeros[COUNTS.index(count)]
        line = Line(int(lines[self.rng.integers(len(lines))]))
        return Character(draw_line(self.material, line, size, self.pen))

    def draw_unreadable(self, digit: int, size: float) -> Character:
        """Draw an unreadable character: a letter, another mark, or `digit` crossed out."""
        if self.rng.random() < 0.55:
            marks = self.material.marks
            line = Line(int(marks[self.rng.integers(len(marks))]))
            return Character(draw_line(self.material, line, size, self.pen))
        glyph = draw_line(self.material, self.choose(digit), size, self.pen)
        return Character(self._cross_out(glyph))

    def _cross_out(self, glyph: Glyph) -> Glyph:
        """Return the glyph with a zigzag drawn across it."""
        rng = self.rng
        ink = glyph.ink.copy()
        rows, columns = ink.shape
        strokes = int(rng.integers(3, 9))
        xs = np.where(np.arange(strokes + 1) % 2, columns - glyph.pad, glyph.pad)
        xs = xs + rng.normal(0, 0.1 * columns, strokes + 1)
        ys = np.sort(rng.uniform(glyph.pad, rows - glyph.pad, strokes + 1))
        bold = Pen(self.pen.width * rng.uniform(1, 1.8), self.pen.edge)
        points = list(zip(xs.tolist(), ys.tolist(), strict=True))
        for start, stop in pairwise(points):
            segment = draw_segment(start, stop, bold)
            left, top = min(start[0], stop[0]), min(start[1], stop[1])
            paste(ink, segment.ink, left - segment.pad, top - segment.pad)
        return Glyph(ink, glyph.pad, glyph.advance)

    def draw_sign(self, sign: str, size: float) -> Character:
        """Draw a point, a comma or a dash. Some points are raised, as some people write them."""
        rng, pen = self.rng, self.pen
        if sign == ".":
            dot = Pen(pen.width * rng.uniform(0.8, 1.7), pen.edge)
            length = float(rng.uniform(0, 0.05) * size)
            glyph = draw_segment((0, 0), (length, length * rng.uniform(-1, 1)), dot)
            is_raised = rng.random() < 0.3
            rise = float(rng.uniform(0.1, 0.5) if is_raised else rng.uniform(-0.06, 0.1)) * size
        elif sign == ",":
            is_long = rng.random() < 0.15
            tall = float(rng.uniform(0.3, 0.5) if is_long else rng.uniform(0.13, 0.32)) * size
            lean = float(rng.uniform(-0.15, 0.8) * tall)
            glyph = draw_segment((lean, 0), (0, tall), pen)
            rise = -float(rng.uniform(0.35, 0.8)) * tall
        else:
            wide = float(rng.uniform(0.3, 0.75) * size * (3 if rng.random() < 0.15 else 1))
            lift = float(rng.uniform(-0.12, 0.12) * wide)
            glyph = draw_segment((0, 0), (wide, lift), pen)
            rise = float(rng.uniform(0.3, 0.6) * size)
        return Character(glyph, rise, is_digit=False)


def choose_forms(material: Material, parts: Parts, rng: np.random.Generator) -> Choice:
    """Return the forms in which one hand writes all digits.

    They are digits of one writer of UNIPEN, of a font, or of MNIST, or digits drawn by code.
    """
    if parts.writers and material.by_writer and rng.random() < 0.4:
        return _one_writer(material, rng)
    kind = rng.random()
    if parts.fonts and material.by_font and kind < 0.2:
        font = material.by_font[rng.integers(len(material.by_font))]
        return lambda digit: Line(font[digit])
    if parts.hands and kind < 0.62:
        return _one_style(material, rng)
    return _one_slant(material, rng)


def _one_writer(material: Material, rng: np.random.Generator) -> Choice:
    """Choose digits of one writer, and digits of other writers where this one wrote none."""
    writers = material.by_writer
    own = writers[rng.choice(len(writers), p=material.writer_shares)]

    def choose(digit: int) -> Line:
        lines = own[digit]
        while not len(lines):
            lines = writers[rng.integers(len(writers))][digit]
        return Line(int(lines[rng.integers(len(lines))]))

    return choose


def _one_style(material: Material, rng: np.random.Generator) -> Choice:
    """Choose one form for each digit, because a person seldom mixes forms of a digit."""
    styles = [int(rng.integers(len(forms))) for forms in material.by_style]
    first = [int(rng.integers(1_000_000)) for _ in range(10)]
    spread = int(rng.integers(1, 40))

    def choose(digit: int) -> Line:
        forms = material.by_style[digit][styles[digit]]
        return Line(int(forms[(first[digit] + rng.integers(spread)) % len(forms)]))

    return choose


def _one_slant(material: Material, rng: np.random.Generator) -> Choice:
    """Choose MNIST's digits of similar slant, all with their own ink or all drawn with the pen."""
    slant = rng.beta(1.5, 1.5)
    own = rng.random() < 0.4

    def choose(digit: int) -> Line:
        lines = material.by_slant[digit]
        position = np.clip(slant + rng.normal(0, 0.06), 0, 0.9999)
        return Line(int(lines[int(position * len(lines))]), own)

    return choose
