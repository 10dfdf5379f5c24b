from dataclasses import asdict

from bench.numbers.table import Row, read, summarise, to_markdown, write
from dlflask.client import REFUSED, Outcome
from dlflask.evaluate.dataset import LabelledImage
from dlflask.evaluate.outcomes import Case


def case(source, label, text):
    image = LabelledImage("a", source, label, bytes)
    return Case(image, Outcome("number", text) if text else Outcome(REFUSED, reason="blank"))


CASES = [case("ink", "1250", "1250"), case("ink", "7", "1"), case("lead", "12", "")]
USAGE = [(1, 1_500_000), (2, 2_000_000), (9, 2_000_000)]
ROWS = [
    summarise("dlflask", CASES, USAGE, version="1", disk_bytes=3_000_000),
    Row("Tesseract", "apt install tesseract-ocr"),
]


def test_summarise():
    row = ROWS[0]

    assert (row.right.hits, row.right.count) == (1, 3)
    assert row.macro == 0.25
    # A 7 is replaced and a 12 is missing, of seven digits.
    assert round(row.character_errors * 7) == 3
    assert row.errors == ["a: blank"]
    assert (row.cpu_milliseconds, row.peak_megabytes, row.installed_megabytes) == (2_000, 2, 3)


def test_report_names_what_did_not_run():
    text = to_markdown({"images": "ink 2, lead 1"}, ROWS)

    own = "| 3 | 33.3% | 6.1% to 79.2% | 25.0% | 42.9% | 2000 ms | 2 MB | 3 MB |"
    assert f"| {ROWS[0].reader} {own}" in text
    assert "| Tesseract | not run |" in text
    assert "- Tesseract. To run it: `apt install tesseract-ocr`" in text
    assert f"| {ROWS[0].reader} | 50.0% of 2 (9.5% to 90.5%) | 0.0% of 1 (0.0% to 79.3%) |" in text


def test_report_without_any_reader():
    assert "## Not run" in to_markdown({}, ROWS[1:])


def test_write_and_read(tmp_path):
    write(tmp_path / "out", {"images": "ink"}, ROWS)

    about, rows = read(tmp_path / "out" / "numbers.json")

    assert about == {"images": "ink"}
    assert [asdict(row) for row in rows] == [
        asdict(row) | {"errors": list(row.errors)} for row in ROWS
    ]
    assert (tmp_path / "out" / "NUMBERS.md").read_text(encoding="utf-8") == to_markdown(about, rows)
