import numpy as np
import pytest
from PIL import Image, ImageDraw

from dlflask.client import REFUSED, UNKNOWN, UNREAD
from dlflask.evaluate.contact_sheet import choose_worst, draw_sheet
from dlflask.evaluate.dataset import Picture, find_non_digits
from dlflask.evaluate.outcomes import ask, read_by_model
from dlflask.evaluate.render import to_markdown
from dlflask.evaluate.report import summarise
from tests.conftest import encode
from tests.drawing import draw_digit
from tests.evaluate.samples import BLANK, answer, answers_for


def test_right_wrong_and_refused_are_counted(folder, nearest):
    report = summarise(answers_for(folder, nearest), {}, ["README.txt"])

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


def test_a_picture_that_is_no_digit_is_wrong_only_where_it_is_called_one(tmp_path, nearest):
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


def test_a_service_without_verdicts_takes_all_it_reads_for_a_digit():
    answers = [answer(None, 8, 0.8, verdict) for verdict in (UNKNOWN, "unsure", "digit", REFUSED)]

    report = summarise(answers, {})

    assert (report.non_digits.called_digit.hits, report.non_digits.called_digit.count) == (2, 4)


def test_a_file_that_cannot_be_read_is_listed_and_stops_nothing(nearest):
    def fail():
        raise PermissionError("locked")

    pictures = [
        Picture("a", "s", 4, fail),
        Picture("b", "s", 4, lambda: encode(draw_digit(4))),
        Picture("c", "s", 4, lambda: b"no picture"),
    ]

    answers = ask(read_by_model(nearest), pictures)

    assert [answer.outcome.verdict for answer in answers] == [UNREAD, "digit", REFUSED]
    report = summarise(answers, {})
    assert report.digits.accuracy.count == 2
    assert report.unread == ["a: PermissionError: locked"]
    assert draw_sheet(choose_worst(answers)).width > 0


def test_the_markdown_names_every_figure(folder, nearest):
    text = to_markdown(summarise(answers_for(folder, nearest), {"model": "a|b.h5"}, ["README.txt"]))

    assert "| right | 90.91% of 22 (95 % interval 72.19% to 97.47%) |" in text
    assert "| pen | 11 | 10 | 90.91% |" in text
    assert "| model | a&#124;b.h5 |" in text
    assert "- README.txt: it does not lie in a folder named after a digit" in text
