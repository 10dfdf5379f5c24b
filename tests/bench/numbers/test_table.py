from dataclasses import replace

from bench.numbers.processes import Measured
from bench.numbers.table import read, summarise, to_markdown, write
from dlflask.client import Outcome
from dlflask.evaluate.dataset import LabelledImage
from dlflask.evaluate.outcomes import Case


def measured(*pairs):
    cases = [
        Case(LabelledImage("a", source, label, bytes), Outcome("number", text, 0.0))
        for source, label, text in pairs
    ]
    return Measured(
        "dlflask", version="1", disk_bytes=3_000_000, cases=cases, cpu=[1, 2, 9], peak=2_000_000
    )


ROWS = [
    summarise(measured(("ink", "1250", "1250"), ("ink", "7", "1"), ("lead", "12", "1"))),
    summarise(Measured("tesseract", missing="apt install tesseract-ocr")),
]


def test_summarise():
    row = ROWS[0]

    assert (row.right.hits, row.right.count) == (1, 3)
    assert row.macro == 0.25
    # A 7 is replaced and a 2 is missing, of seven digits.
    assert round(row.character_errors * 7) == 2
    assert (row.cpu_milliseconds, row.peak_megabytes, row.installed_megabytes) == (2_000, 2, 3)


def test_report_names_what_did_not_run():
    text = to_markdown({"images": "ink 2, lead 1"}, ROWS)

    own = "| 3 | 33.3% | 6.1% to 79.2% | 25.0% | 28.6% | 2000 ms | 2 MB | 3 MB |"
    assert f"| {ROWS[0].reader} {own}" in text
    assert "| Tesseract, restricted to digits | not run |" in text
    assert "- Tesseract, restricted to digits. To run it: `apt install tesseract-ocr`" in text
    assert f"| {ROWS[0].reader} | 50.0% of 2 (9.5% to 90.5%) | 0.0% of 1 (0.0% to 79.3%) |" in text


def test_report_without_any_reader():
    assert "## Not run" in to_markdown({}, ROWS[1:])


def test_write_and_read(tmp_path):
    write(tmp_path / "out", {"images": "ink"}, ROWS)

    about, rows = read(tmp_path / "out" / "numbers.json")

    assert about == {"images": "ink"}
    assert [replace(row, errors=[]) for row in rows] == [replace(row, errors=[]) for row in ROWS]
    assert (tmp_path / "out" / "NUMBERS.md").read_text(encoding="utf-8") == to_markdown(about, rows)
