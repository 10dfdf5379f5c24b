"""Drawing of separators: their height above the baseline."""

import numpy as np

from dlflask.train.numbers.fields.characters import Hand, choose_forms
from dlflask.train.numbers.fields.pen import Pen
from dlflask.train.numbers.parts import ALL

HEIGHT = 30.0


def rises_of(sign, material):
    rng = np.random.default_rng(0)
    hand = Hand(material, ALL, rng, HEIGHT, Pen(3.0, 1.0), choose_forms(material, ALL, rng))
    return np.array([hand.draw_sign(sign, HEIGHT).rise for _ in range(300)]) / HEIGHT


def test_draw_sign_raises_some_points(material):
    rises = rises_of(".", material)

    assert -0.1 < rises.min() < 0
    assert 0.3 < rises.max() <= 0.5
    assert 0.2 < np.mean(rises > 0.1) < 0.4


def test_draw_sign_lets_commas_hang_below_the_line(material):
    rises = rises_of(",", material)

    assert rises.max() < 0
    assert rises.min() > -0.45
