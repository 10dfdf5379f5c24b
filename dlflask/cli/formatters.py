"""Output formats of `predict` for digits: text for people, JSON lines and CSV for programs."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from typing import Any, TextIO

from dlflask.client import Outcome
from dlflask.digits.thresholds import NOT_A_DIGIT
from dlflask.web.presentation import percent

COLUMNS = ("file", "label", "confidence", "verdict", "error")
PROBABILITIES = tuple(f"p{label}" for label in range(NOT_A_DIGIT))

#: Function that writes the row for a file, given the name of the file and its outcome.
WriteRow = Callable[[str, Outcome], None]


def text_rows(output: TextIO, errors: TextIO) -> WriteRow:
    """Return a function that writes lines such as `4 >99.9% digit static/4.jpg`.

    It writes errors to `errors`.
    """

    def write(name: str, outcome: Outcome) -> None:
        row = _row(name, outcome)
        if row["error"]:
            print(f"{name}: {row['error']}", file=errors)
            return
        values = f"{row['label']}  {percent(row['confidence']):>6}  {row['verdict']:<11}"
        print(f"{values}  {name}", file=output)

    return write


def json_rows(output: TextIO) -> WriteRow:
    """Return a function that writes one JSON object per line.

    If a file has an error, all values of its object except `file` and `error` are null.
    """

    def write(name: str, outcome: Outcome) -> None:
        print(json.dumps(_row(name, outcome), ensure_ascii=False), file=output)

    return write


def csv_rows(output: TextIO) -> WriteRow:
    """Return a function that writes CSV (RFC 4180), with one column for each probability.

    The header is written at once.
    """
    table = csv.writer(output, lineterminator="\n")
    table.writerow([*COLUMNS, *PROBABILITIES])

    def write(name: str, outcome: Outcome) -> None:
        row = _row(name, outcome)
        probabilities = row["probabilities"] or [None] * NOT_A_DIGIT
        table.writerow([*(row[column] for column in COLUMNS), *probabilities])

    return write


def _row(name: str, outcome: Outcome) -> dict[str, Any]:
    row = dict.fromkeys((*COLUMNS, "probabilities")) | {"file": name}
    if outcome.probabilities is None:
        return row | {"error": outcome.reason}
    # As in the service's responses, each probability is the shortest decimal that is converted back
    # to the same float32.
    probabilities = [float(str(probability)) for probability in outcome.probabilities]
    return row | {
        "label": int(outcome.probabilities.argmax()),
        "confidence": max(probabilities),
        "verdict": outcome.verdict,
        "probabilities": probabilities,
    }
