"""Pen: a bend moves the parts of a character, and a character without a bend stays the same."""

import numpy as np
import pytest

from dlflask.train.numbers.fields.pen import STRAIGHT, Form, Line, Pen, draw_line

HEIGHT = 60.0


def find_centres(material, form):
    """Return the centres (row, column) of the ink in the upper and the lower half."""
    ink = draw_line(material, Line(0), HEIGHT, Pen(4.0, 1.0), form).ink
    rows, columns = np.indices(ink.shape)
    halves = (rows < ink.shape[0] / 2, rows >= ink.shape[0] / 2)
    return np.array(
        [[np.average(axis, weights=ink * half) for axis in (rows, columns)] for half in halves]
    )


@pytest.fixture(scope="module")
def straight(material):
    return find_centres(material, STRAIGHT)


def test_draw_line_with_equal_movements_moves_everything(material, straight):
    moved = find_centres(material, Form(0.0, np.full((3, 3, 2), [-3.0, 0.0])))

    np.testing.assert_allclose(moved - straight, [[0, 3], [0, 3]], atol=0.3)


def test_draw_line_with_a_bend_moves_one_half(material, straight):
    bend = np.zeros((3, 3, 2))
    bend[0, :, 0] = -6  # the upper row of the grid
    moved = find_centres(material, Form(0.0, bend)) - straight

    assert moved[0, 1] > 1.5
    assert abs(moved[1, 1]) < 0.5
