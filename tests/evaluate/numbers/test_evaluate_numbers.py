import numpy as np
import pytest

from dlflask.client import REFUSED, UNREAD, Outcome
from dlflask.evaluate.contact_sheet import choose_worst, draw_contact_sheet, preview_number
from dlflask.evaluate.dataset import LabelledImage
from dlflask.evaluate.numbers.dataset import find_numbers
from dlflask.evaluate.numbers.report import edit_distance, share_answered
from dlflask.evaluate.outcomes import Case, ask, read_by_recogniser
from dlflask.evaluate.render import to_markdown
from dlflask.evaluate.report import summarise
from dlflask.numbers.recogniser import NumberRecogniser
from tests.conftest import encode
from tests.drawing import draw_number


def case(number, read, confidence=0.9, verdict="number", source="pen"):
    image = LabelledImage(f"{source}/{number}.png", source, number, lambda: b"")
    return Case(image, Outcome(verdict, read, confidence))


CASES = [
    case("12.50", "12.50", 0.99),
    case("12.50", "1250", 0.9, "unsure"),
    case("7", "1", 0.8),
    case("80", None, 0.0, REFUSED, "pencil"),
    case("3", None, 0.0, UNREAD),
]


def write_table(folder, rows):
    folder.mkdir()
    lines = "".join(f"{name}\t{number}\n" for name, number in rows)
    (folder / "labels.tsv").write_text(lines, encoding="utf-8")


def test_find_numbers_by_source(tmp_path):
    write_table(tmp_path / "pen", [("a.png", "007"), ("b.png", "-3,5")])
    write_table(tmp_path / "pencil", [("a.png", "1")])

    found = find_numbers(tmp_path)

    assert [(one.name, one.source, one.label) for one in found] == [
        ("pen/a.png", "pen", "007"),
        ("pen/b.png", "pen", "-3,5"),
        ("pencil/a.png", "pencil", "1"),
    ]
    assert [one.source for one in find_numbers(tmp_path / "pen")] == ["pen", "pen"]


def test_find_numbers_names_what_it_expects(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"lack the table labels\.tsv"):
        find_numbers(tmp_path)
    (tmp_path / "labels.tsv").touch()
    with pytest.raises(ValueError, match=r"labels\.tsv is empty\. Write a line for each image"):
        find_numbers(tmp_path)
    (tmp_path / "labels.tsv").write_text("a.png 5\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"Line 1 of .* expected a file, a tab and a number"):
        find_numbers(tmp_path)


def test_summarise_numbers():
    report = summarise(CASES, {"model": "none"}, numbers=True)
    figures = report.numbers

    assert (figures.right.hits, figures.right.count) == (1, 4)
    assert figures.right_digits.hits == 2
    assert figures.macro == pytest.approx((1 / 3 + 0) / 2)
    assert figures.by_length["4".rjust(2)].rate == 0.5
    # A point is missing, 7 is replaced, 80 is missing: 4 of 13 characters.
    assert figures.character_errors == pytest.approx(4 / 13)
    assert figures.right_by_verdict["number"].count == 2
    assert figures.right_by_verdict["number"].rate == 0.5
    assert figures.answered == {"95%": 0.25, "98%": 0.25, "99%": 0.25}
    assert len(report.unread) == 1


def test_report_in_markdown():
    text = to_markdown(summarise(CASES, {"model": "none"}, numbers=True))

    assert "| right | 25.00% of 4 (95 % interval 4.56% to 69.94%) |" in text
    assert "## Not read and not counted: 1" in text
    assert "- pen/3.png: " in text


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [("", "", 0), ("", "12", 2), ("12", "12", 0), ("1250", "12.50", 1), ("71", "17", 2)],
)
def test_edit_distance(one, other, distance):
    assert edit_distance(one, other) == edit_distance(other, one) == distance


def test_share_answered_takes_the_most_confident_first():
    cases = [case("1", "1", 0.9), case("2", "2", 0.8), case("3", "8", 0.7), case("4", "4", 0.1)]

    assert share_answered(cases, 0.95) == 0.5
    assert share_answered(cases, 0.75) == 1


def test_read_by_recogniser_and_contact_sheet(tmp_path, network, classifier):
    write_table(tmp_path / "pen", [("4.png", "4"), ("8.png", "8"), ("x.png", "1"), ("no.png", "2")])
    for name in ("4", "8"):
        (tmp_path / "pen" / f"{name}.png").write_bytes(encode(draw_number(name)))
    (tmp_path / "pen" / "x.png").write_bytes(b"x")

    reader = read_by_recogniser(NumberRecogniser(network, classifier))
    cases = ask(reader, find_numbers(tmp_path))
    worst = choose_worst(cases)
    sheet = draw_contact_sheet(worst, preview_number)

    assert [each.outcome.verdict for each in cases] == ["number", "number", REFUSED, UNREAD]
    assert [each.image.label for each in worst] == ["8", "1"]
    assert np.asarray(sheet).min() < 100
