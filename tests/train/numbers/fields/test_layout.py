"""Gaps between the characters of a number."""

import numpy as np

from dlflask.train.numbers.fields.characters import Hand, choose_forms
from dlflask.train.numbers.fields.layout import place
from dlflask.train.numbers.fields.pen import Pen
from dlflask.train.numbers.parts import ALL

HEIGHT = 30.0


def gaps_before_point(material, parts):
    """Return the gaps between a digit and a point, relative to the height of a digit."""
    gaps = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        hand = Hand(material, parts, rng, HEIGHT, Pen(3.0, 1.0), choose_forms(material, parts, rng))
        characters = [hand.draw_digit(4, HEIGHT), hand.draw_sign(".", HEIGHT)]
        lefts = place(characters, hand).lefts
        gaps.append((lefts[1] - lefts[0] - characters[0].glyph.advance) / HEIGHT)
    return np.array(gaps)


def test_place_puts_some_separators_against_digits(material):
    gaps = gaps_before_point(material, ALL.without("combs"))

    assert 0.03 < np.mean(gaps < 0.08) < 0.15
    assert gaps.min() > -0.15


def test_place_keeps_separators_apart_without_spacing(material):
    assert gaps_before_point(material, ALL.without("combs", "spacing")).min() > 0.2
