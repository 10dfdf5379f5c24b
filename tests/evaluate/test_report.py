import numpy as np
import pytest
from PIL import Image, ImageDraw

from dlflask.client import REFUSED, UNKNOWN, UNREAD
from dlflask.evaluate.contact_sheet import choose_worst, draw_contact_sheet
from dlflask.evaluate.dataset import LabelledImage, find_non_digits
from dlflask.evaluate.outcomes import ask, read_by_model
from dlflask.evaluate.render import to_markdown
from dlflask.evaluate.report import summarise
from dlflask.evaluate.tables import markdown_table
from tests.conftest import encode
from tests.drawing import draw_digit
from tests.evaluate.samples import BLANK, evaluate_folder, make_case


def test_summarise_digits(folder, nearest):
    report = summarise(evaluate_folder(folder, nearest), {}, ["README.txt"])

    digits = report.digits
    assert (digits.accuracy.hits, digits.accuracy.count) == (20, 22)
    assert (digits.by_source["pen"].hits, digits.by_source["pen"].count) == (10, 11)
    assert digits.macro_accuracy == pytest.approx(10 / 11)
    assert (digits.by_class["9"].hits, digits.by_class["9"].count) == (2, 3)
    assert digits.confusion[9][4] == 1
    assert digits.confusion[3][10] == 1
    assert np.sum(digits.confusion) == 22
    assert digits.verdicts[REFUSED] == 1
    assert sum(digits.verdicts.values()) == 22
    assert sum(each.count for each in digits.calibration.bins) == 21
    assert report.refusals == {"BlankImage": 1}
    assert len(report.unread) == 1
    assert report.non_digits is None


def test_summarise_non_digits(tmp_path, nearest):
    star = Image.new("L", (100, 100), "white")
    for line in [(10, 10, 90, 90), (90, 10, 10, 90), (50, 5, 50, 95), (5, 50, 95, 50)]:
        ImageDraw.Draw(star).line(line, "black", 8)
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "star.png").write_bytes(encode(star))
    (tmp_path / "others" / "blank.png").write_bytes(BLANK)
    (tmp_path / "others" / "four.png").write_bytes(encode(draw_digit(4)))

    report = summarise(ask(read_by_model(nearest), find_non_digits(tmp_path)), {})

    assert report.digits is None
    called = report.non_digits.called_digit
    assert (called.hits, called.count) == (1, 3)
    assert report.non_digits.verdicts[REFUSED] == 1
    assert report.non_digits.verdicts["not_a_digit"] == 1
    assert report.non_digits.by_source["others"].count == 3


def test_summarise_unknown_verdict_counts_as_digit():
    cases = [make_case(None, 8, 0.8, verdict) for verdict in (UNKNOWN, "unsure", "digit", REFUSED)]

    report = summarise(cases, {})

    assert (report.non_digits.called_digit.hits, report.non_digits.called_digit.count) == (2, 4)


def test_summarise_unreadable_file(nearest):
    def fail():
        raise PermissionError("locked")

    images = [
        LabelledImage("a", "s", "4", fail),
        LabelledImage("b", "s", "4", lambda: encode(draw_digit(4))),
        LabelledImage("c", "s", "4", lambda: b"not an image"),
    ]

    cases = ask(read_by_model(nearest), images)

    assert [case.outcome.verdict for case in cases] == [UNREAD, "digit", REFUSED]
    report = summarise(cases, {})
    assert report.digits.accuracy.count == 2
    assert report.unread == ["a: PermissionError: locked"]
    assert draw_contact_sheet(choose_worst(cases)).width > 0


def test_to_markdown(folder, nearest):
    text = to_markdown(
        summarise(evaluate_folder(folder, nearest), {"model": "a|b.h5"}, ["README.txt"])
    )

    assert "| right | 90.91% of 22 (95 % interval 72.19% to 97.47%) |" in text
    assert "| pen | 11 | 10 | 90.91% |" in text
    assert "| model | a&#124;b.h5 |" in text
    assert "- README.txt: its folder is not named after a digit" in text


def test_markdown_table_escapes_bars():
    assert markdown_table(("a", "b"), [(1, "x|y")]) == "| a | b |\n| --- | --- |\n| 1 | x&#124;y |"
