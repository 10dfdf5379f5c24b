"""Output formats of `predict`: text for people, JSON lines and CSV for programs."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from typing import Any, TextIO

from dlflask.client import Outcome
from dlflask.digits.thresholds import NOT_A_DIGIT
from dlflask.web.presentation import percent

#: Function that writes the row for a file. Its arguments are the name of the file and its outcome,
#: which is a prediction or an error.
WriteRow = Callable[[str, Outcome], None]


def text_rows(output: TextIO, errors: TextIO, *, number: bool) -> WriteRow:
    """Return a function that writes lines such as `4 >99.9% digit static/4.jpg`.

    It writes errors to `errors`. If an image shows several lines of numbers, slashes separate them.
    """
    label_width, verdict_width = (10, 9) if number else (1, 11)

    def write(name: str, outcome: Outcome) -> None:
        if outcome.label is None:
            print(f"{name}: {outcome.reason}", file=errors)
            return
        label = outcome.label.replace("\n", " / ") or "-"
        confidence = f"{percent(outcome.confidence):>6}"
        values = f"{label:<{label_width}}  {confidence}  {outcome.verdict:<{verdict_width}}"
        print(f"{values}  {name}", file=output)

    return write


def json_rows(output: TextIO, *, number: bool) -> WriteRow:
    """Return a function that writes one JSON object per line, with the columns of `_to_row`."""

    def write(name: str, outcome: Outcome) -> None:
        print(json.dumps(_to_row(name, outcome, number=number), ensure_ascii=False), file=output)

    return write


def csv_rows(output: TextIO, *, number: bool) -> WriteRow:
    """Write the header of a CSV file (RFC 4180), and return a function that writes its rows.

    For digits there is one column for each probability. For numbers, the column `lines` of
    `_to_row` is left out.
    """
    columns = ["file", "number" if number else "label", "confidence", "verdict", "error"]
    columns += [] if number else [f"p{digit}" for digit in range(NOT_A_DIGIT)]
    table = csv.DictWriter(output, columns, extrasaction="ignore", lineterminator="\n")
    table.writeheader()

    def write(name: str, outcome: Outcome) -> None:
        row = _to_row(name, outcome, number=number)
        probabilities = enumerate(row.get("probabilities") or ())
        table.writerow(row | {f"p{digit}": value for digit, value in probabilities})

    return write


def _to_row(name: str, outcome: Outcome, *, number: bool) -> dict[str, Any]:
    """Return the values of a row by column. After an error, all but `file` and `error` are None."""
    columns = ("number", "lines") if number else ("label", "probabilities")
    row: dict[str, Any] = dict.fromkeys(
        ("file", columns[0], "confidence", "verdict", "error", columns[1])
    )
    row["file"] = name
    if outcome.label is None:
        return row | {"error": outcome.reason}
    row["verdict"] = outcome.verdict
    if outcome.probabilities is None:
        confidence = round(outcome.confidence, 4)
        return row | {"number": outcome.label, "confidence": confidence, "lines": outcome.lines}
    # As in the service's responses, each probability is the shortest decimal that is converted back
    # to the same float32.
    probabilities = [float(str(probability)) for probability in outcome.probabilities]
    return row | {
        "label": int(outcome.label),
        "confidence": max(probabilities),
        "probabilities": probabilities,
    }
