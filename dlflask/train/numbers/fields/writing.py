"""Writing of a number by a random hand with a random pen. Some digits become unreadable."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from dlflask.numbers.characters import UNREADABLE
from dlflask.train.numbers.fields.characters import Character, Hand, choose_forms
from dlflask.train.numbers.fields.layout import compose, place
from dlflask.train.numbers.fields.material import Material
from dlflask.train.numbers.fields.pen import Canvas, Pen
from dlflask.train.numbers.parts import Parts

#: Share of the numbers in which neighbouring zeros are joined.
_JOINED_SHARE = 0.25


@dataclass(frozen=True)
class Writing:
    """Ink of a number in its field.

    Attributes:
        ink: (height, width) float32 in 0..1.
        label: The number, with "?" in place of each unreadable character.
        height: Usual height of a digit in pixels.
        pitch: Left edges of the cells of the comb (row of cells for one digit each), followed by
            the right edge of the last cell, in pixels. It is empty if there is no comb.
        top: Row of the digits' upper edge, if the baseline did not drift.
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
    hand = Hand(material, parts, rng, height, pen, choose_forms(material, parts, rng))
    label, characters = _spell(number, hand)
    row = place(characters, hand)
    sheet = compose(characters, row, hand)
    return Writing(sheet.ink, label, height, [sheet.before + x for x in row.pitch], sheet.above)


def _spell(number: str, hand: Hand) -> tuple[str, list[Character]]:
    """Return the label of `number` and its characters. Some digits may become unreadable."""
    rng = hand.rng
    label, characters = "", []
    spread = rng.uniform(0, 0.09)
    has_unreadable = hand.parts.unreadable and rng.random() < 0.04
    rate = rng.choice([0.15, 0.3, 1.0], p=[0.6, 0.3, 0.1]) if has_unreadable else 0.0
    joins_zeros = hand.parts.spacing and rng.random() < _JOINED_SHARE
    for each in re.findall("0{2,3}|." if joins_zeros else ".", number):
        size = hand.height * float(np.exp(rng.normal(0, spread)))
        if len(each) > 1:
            label += each
            characters.append(hand.draw_zeros(len(each), size))
        elif not each.isdigit():
            label += each
            characters.append(hand.draw_sign(each, size))
        elif rng.random() < rate:
            label += UNREADABLE
            characters.append(hand.draw_unreadable(int(each), size))
        else:
            label += each
            characters.append(hand.draw_digit(int(each), size))
    return label, characters
