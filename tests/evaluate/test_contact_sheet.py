import numpy as np
import pytest

from dlflask.client import REFUSED, Outcome
from dlflask.evaluate.contact_sheet import choose_worst, draw_contact_sheet
from dlflask.evaluate.dataset import LabelledImage
from dlflask.evaluate.outcomes import Case
from tests.evaluate.samples import evaluate_folder, make_case


def test_choose_worst_order():
    cases = [
        make_case(1, 7, 0.6),
        make_case(1, 1, 0.9),
        make_case(2, 7, 0.99),
        make_case(None, 8, 0.8),
        make_case(None, 8, 0.8, "not_a_digit"),
        Case(LabelledImage("p", "s", "3", bytes), Outcome(REFUSED, reason="BlankImage: ")),
    ]

    worst = choose_worst(cases)

    assert [(each.image.label, each.outcome.label) for each in worst] == [
        ("2", "7"),
        ("1", "7"),
        ("3", None),
        (None, "8"),
    ]


@pytest.mark.parametrize(
    ("wrong", "accepted", "expected"), [(50, 50, (8, 4)), (3, 50, (3, 9)), (50, 1, (11, 1))]
)
def test_choose_worst_limit(wrong, accepted, expected):
    cases = [make_case(1, 7, 0.9)] * wrong + [make_case(None, 7, 0.9)] * accepted

    worst = choose_worst(cases, 12)

    digits = sum(each.image.label is not None for each in worst)
    assert (digits, len(worst) - digits) == expected


def test_draw_contact_sheet_shows_the_tensor(folder, nearest):
    worst = choose_worst(evaluate_folder(folder, nearest))

    sheet = draw_contact_sheet(worst)

    colours = np.asarray(sheet)
    assert len(worst) == 2
    # The tensor of the wrongly labelled digit: white ink on black.
    tensor = colours[8:120, 128:240]
    assert tensor.max() == 255
    assert (tensor == 0).mean() > 0.5


def test_draw_contact_sheet_without_cases():
    assert draw_contact_sheet([]).height > 0
