"""Figures written as text, parsed and drawn."""

import numpy as np
import pytest

from dlflask.train.synthesis.skeletonize import FIELD_SIZE, UNITS
from dlflask.train.synthesis.stroke_drawing import draw, jitter, parse, smooth
from dlflask.train.synthesis.stroke_shapes import SIGNS
from dlflask.train.synthesis.synthetic_digits import STYLES, draw_digits

FIGURES = [*SIGNS, *(style for styles in STYLES.values() for style in styles)]


def test_parse_straight_stroke():
    (stroke,) = parse("0,0 50,100")

    assert stroke.tolist() == [[0, 0], [50, 100]]


def test_smooth_passes_through_its_points():
    points = np.array([[0.0, 0.0], [50.0, 80.0], [100.0, 20.0]])

    curve = smooth(points)

    for point in points:
        assert np.abs(curve - point).sum(axis=1).min() < 1e-9


def test_jitter_without_spread():
    figure = "~10,20 30,40 50,0; 0,0 100,100"

    jittered = jitter(figure, np.random.default_rng(0), spread=0)

    for ours, written in zip(jittered, parse(figure), strict=True):
        np.testing.assert_allclose(ours, written)


@pytest.mark.parametrize("figure", FIGURES)
def test_draw_centres_figure(figure):
    mask = draw(parse(figure))

    rows, columns = np.nonzero(mask)
    assert max(np.ptp(rows), np.ptp(columns)) == 40
    assert abs((rows.min() + rows.max() + 1) / 2 - FIELD_SIZE / 2) <= 1
    assert abs((columns.min() + columns.max() + 1) / 2 - FIELD_SIZE / 2) <= 1


def test_draw_digits_of_all_labels():
    fields, labels = draw_digits(400, np.random.default_rng(0))

    assert set(labels) == set(range(10))
    assert len(fields) == len(labels) == 400
    assert (fields < UNITS).any(axis=(1, 2)).all()
