"""What is said of a picture in, its row out: text for people, JSON lines or CSV for programs."""

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

#: Writes one row.
Write = Callable[[str, Outcome], None]


def text_rows(output: TextIO, faults: TextIO) -> Write:
    """`4 >99.9% digit static/4.jpg`; what cannot be read is said to `faults`."""

    def write(name: str, outcome: Outcome) -> None:
        row = _row(name, outcome)
        if row["error"]:
            print(f"{name}: {row['error']}", file=faults)
            return
        said = f"{row['label']}  {percent(row['confidence']):>6}  {row['verdict']:<11}  {name}"
        print(said, file=output)

    return write


def json_rows(output: TextIO) -> Write:
    """One object a line, with the ten probabilities as a list; null where there is no answer."""

    def write(name: str, outcome: Outcome) -> None:
        print(json.dumps(_row(name, outcome), ensure_ascii=False), file=output)

    return write


def csv_rows(output: TextIO) -> Write:
    """RFC 4180 with a head, the probabilities in columns of their own."""
    table = csv.writer(output, lineterminator="\n")
    table.writerow([*COLUMNS, *PROBABILITIES])

    def write(name: str, outcome: Outcome) -> None:
        row = _row(name, outcome)
        probabilities = row["probabilities"] or [None] * NOT_A_DIGIT
        table.writerow([*(row[column] for column in COLUMNS), *probabilities])

    return write


def _row(name: str, outcome: Outcome) -> dict[str, Any]:
    if outcome.probabilities is None:
        return (
            {"file": name}
            | dict.fromkeys((*COLUMNS[1:4], "probabilities"))
            | {"error": outcome.reason}
        )
    # The shortest decimals that read back to the same float32, as on the wire.
    probabilities = [float(str(probability)) for probability in outcome.probabilities]
    return {
        "file": name,
        "label": int(outcome.probabilities.argmax()),
        "confidence": max(probabilities),
        "verdict": outcome.verdict,
        "error": None,
        "probabilities": probabilities,
    }
