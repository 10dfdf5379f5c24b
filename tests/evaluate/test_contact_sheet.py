import numpy as np
import pytest

from dlflask.client import REFUSED, Outcome
from dlflask.evaluate.contact_sheet import choose_worst, draw_sheet
from dlflask.evaluate.dataset import Picture
from dlflask.evaluate.outcomes import Answer
from tests.evaluate.samples import answer, answers_for


def test_the_surest_mistakes_come_first():
    answers = [
        answer(1, 7, 0.6),
        answer(1, 1, 0.9),
        answer(2, 7, 0.99),
        answer(None, 8, 0.8),
        answer(None, 8, 0.8, "not_a_digit"),
        Answer(Picture("p", "s", 3, bytes), Outcome(REFUSED, reason="BlankImage: ")),
    ]

    worst = choose_worst(answers)

    assert [(each.picture.label, each.guess) for each in worst] == [
        (2, 7),
        (1, 7),
        (3, None),
        (None, 8),
    ]


@pytest.mark.parametrize(
    ("wrong", "called", "expected"), [(50, 50, (8, 4)), (3, 50, (3, 9)), (50, 1, (11, 1))]
)
def test_non_digits_get_a_third_of_the_sheet_or_what_is_left(wrong, called, expected):
    answers = [answer(1, 7, 0.9)] * wrong + [answer(None, 7, 0.9)] * called

    worst = choose_worst(answers, 12)

    digits = sum(each.picture.label is not None for each in worst)
    assert (digits, len(worst) - digits) == expected


def test_the_sheet_shows_the_picture_and_the_tensor(folder, nearest):
    worst = choose_worst(answers_for(folder, nearest))

    sheet = draw_sheet(worst)

    colours = np.asarray(sheet)
    assert len(worst) == 2
    # The tensor of the digit under the wrong label: white ink, black paper.
    tensor = colours[8:120, 128:240]
    assert tensor.max() == 255
    assert (tensor == 0).mean() > 0.5


def test_the_sheet_of_no_mistakes_is_empty():
    assert draw_sheet([]).height > 0
