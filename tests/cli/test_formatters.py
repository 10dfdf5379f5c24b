import io
import json
from functools import partial

from dlflask.cli.formatters import csv_rows, json_rows, text_rows
from dlflask.client import REFUSED, Outcome

LINE = {"number": "18014", "verdict": "number"}
READ = Outcome("number", "18014", 0.98714, lines=[LINE])
SEVERAL = Outcome("unsure", "1\n-2,5", 0.5, lines=[LINE, LINE])
NONE = Outcome("no_number", "", 0.0)
ERROR = Outcome(REFUSED, reason="The image is empty")


def written(make, *outcomes):
    output = io.StringIO()
    write = make(output, number=True)
    for outcome in outcomes:
        write("a.png", outcome)
    return output.getvalue()


def test_text_rows():
    errors = io.StringIO()

    text = written(partial(text_rows, errors=errors), READ, SEVERAL, NONE, ERROR)

    assert text.splitlines() == [
        "18014        98.7%  number     a.png",
        "1 / -2,5     50.0%  unsure     a.png",
        "-            <0.1%  no_number  a.png",
    ]
    assert errors.getvalue() == "a.png: The image is empty\n"


def test_csv_rows():
    text = written(csv_rows, READ, SEVERAL, ERROR)

    assert text == (
        "file,number,confidence,verdict,error\n"
        "a.png,18014,0.9871,number,\n"
        'a.png,"1\n-2,5",0.5,unsure,\n'
        "a.png,,,,The image is empty\n"
    )


def test_json_rows():
    first, second = map(json.loads, written(json_rows, READ, ERROR).splitlines())

    assert first == {
        "file": "a.png",
        "number": "18014",
        "confidence": 0.9871,
        "verdict": "number",
        "error": None,
        "lines": [LINE],
    }
    assert second["error"] == "The image is empty"
    assert second["lines"] is None
