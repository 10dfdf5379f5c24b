"""Writing of a number: by which hand, with which pen, and which digits are spoiled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlflask.numbers.characters import UNREADABLE
from dlflask.train.numbers.fields.characters import Character, Hand, choose_forms
from dlflask.train.numbers.fields.layout import compose, place
from dlflask.train.numbers.fields.material import Material
from dlflask.train.numbers.fields.pen import Canvas, Pen
from dlflask.train.numbers.parts import Parts


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
    hand = Hand(material, parts, rng, height, pen, choose_forms(material, parts, rng))
    label, characters = _spell(number, hand)
    row = place(characters, hand)
    sheet = compose(characters, row, hand)
    return Writing(sheet.ink, label, height, [sheet.before + x for x in row.pitch], sheet.above)


def _spell(number: str, hand: Hand) -> tuple[str, list[Character]]:
    """Return the label of `number` and its characters, of which some may be spoiled."""
    rng = hand.rng
    label, characters = "", []
    swing = rng.uniform(0, 0.09)
    is_spoiled = hand.parts.unreadable and rng.random() < 0.04
    rate = rng.choice([0.15, 0.3, 1.0], p=[0.6, 0.3, 0.1]) if is_spoiled else 0.0
    for each in number:
        size = hand.height * float(np.exp(rng.normal(0, swing)))
        if not each.isdigit():
            label += each
            characters.append(hand.draw_sign(each, size))
        elif rng.random() < rate:
            label += UNREADABLE
            characters.append(hand.draw_unreadable(int(each), size))
        else:
            label += each
            characters.append(hand.draw_digit(int(each), size))
    return label, characters
