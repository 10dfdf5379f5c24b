import io
import json

from dlflask.cli.numbers import number_csv_rows, number_json_rows, number_text_rows
from dlflask.client import REFUSED, NumberOutcome

LINE = {"number": "18014", "verdict": "number"}
READ = NumberOutcome("number", "18014", 0.98714, [LINE])
SEVERAL = NumberOutcome("unsure", "1\n-2,5", 0.5, [LINE, LINE])
NONE = NumberOutcome("no_number", "", 0.0)
ERROR = NumberOutcome(REFUSED, reason="The image is empty")


def written(make, *outcomes):
    output = io.StringIO()
    write = make(output)
    for outcome in outcomes:
        write("a.png", outcome)
    return output.getvalue()


def test_text_rows():
    errors = io.StringIO()

    text = written(lambda output: number_text_rows(output, errors), READ, SEVERAL, NONE, ERROR)

    assert text.splitlines() == [
        "18014        98.7%  number     a.png",
        "1 / -2,5     50.0%  unsure     a.png",
        "-            <0.1%  no_number  a.png",
    ]
    assert errors.getvalue() == "a.png: The image is empty\n"


def test_csv_rows():
    text = written(number_csv_rows, READ, SEVERAL, ERROR)

    assert text == (
        "file,number,confidence,verdict,error\n"
        "a.png,18014,0.9871,number,\n"
        'a.png,"1\n-2,5",0.5,unsure,\n'
        "a.png,,,,The image is empty\n"
    )


def test_json_rows():
    first, second = map(json.loads, written(number_json_rows, READ, ERROR).splitlines())

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
