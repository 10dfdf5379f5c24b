"""`predict --number`: read numbers by the model or by a service, and write them as text."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from typing import Any, TextIO

from dlflask.cli.predict import failure_of, load_number_recogniser
from dlflask.client import NumberClient, NumberOutcome
from dlflask.config import Config
from dlflask.errors import DlflaskError
from dlflask.numbers.decoding.lengths import parse_lengths
from dlflask.web.presentation import percent

COLUMNS = ("file", "number", "confidence", "verdict", "error")

#: Function that returns one outcome for each element: for the bytes of an image file, or for the
#: error that occurred when the file was read.
NumberBatchReader = Callable[[Sequence[bytes | DlflaskError]], list[NumberOutcome]]

#: Function that writes the row for a file, given the name of the file and its outcome.
WriteNumberRow = Callable[[str, NumberOutcome], None]


def open_number_model(
    config: Config, length: str | None
) -> AbstractContextManager[NumberBatchReader]:
    """Return a reader that reads numbers in this process.

    Raises:
        ConfigError, ModelError: For the same reasons as in `load_number_recogniser`.
        InvalidLength: The length is not valid.
    """
    lengths = None if length is None else parse_lengths(length)
    recogniser = load_number_recogniser(config).expecting(lengths)

    def read(uploads: Sequence[bytes | DlflaskError]) -> list[NumberOutcome]:
        return [
            NumberOutcome(failure_of(each), reason=str(each))
            if isinstance(each, DlflaskError)
            else NumberOutcome(
                each.verdict, each.label, each.confidence, [one.to_wire() for one in each.lines]
            )
            # Read each image in a separate call, so that the time limit of a request applies to one
            # image and not to all images together.
            for upload in uploads
            for each in recogniser.read_many([upload])
        ]

    return nullcontext(read)


@contextmanager
def open_number_service(url: str, key: str, length: str | None) -> Iterator[NumberBatchReader]:
    """Return a reader that sends images to a running service over one connection.

    Raises:
        ValueError: `url` is not the address of a service.
        ConnectionError: The service cannot be reached.
        InvalidLength: The length is not valid.
    """
    query = "" if length is None else f"?length={parse_lengths(length)}"
    with closing(NumberClient(url, key, query)) as client:
        yield lambda uploads: [
            NumberOutcome(failure_of(each), reason=str(each))
            if isinstance(each, DlflaskError)
            else client(each)
            for each in uploads
        ]


def number_text_rows(output: TextIO, errors: TextIO) -> WriteNumberRow:
    """Return a function that writes lines such as `18014 98.7% number scan.png`.

    It writes errors to `errors`.
    """

    def write(name: str, outcome: NumberOutcome) -> None:
        if outcome.number is None:
            print(f"{name}: {outcome.reason}", file=errors)
            return
        number = outcome.number.replace("\n", " / ") or "-"
        values = f"{number:<10}  {percent(outcome.confidence):>6}  {outcome.verdict:<9}"
        print(f"{values}  {name}", file=output)

    return write


def number_json_rows(output: TextIO) -> WriteNumberRow:
    """Return a function that writes one JSON object per image, on one line.

    The object contains each line of writing in the image.
    """

    def write(name: str, outcome: NumberOutcome) -> None:
        row = _row(name, outcome)
        row["lines"] = None if outcome.number is None else list(outcome.lines)
        print(json.dumps(row, ensure_ascii=False), file=output)

    return write


def number_csv_rows(output: TextIO) -> WriteNumberRow:
    """Return a function that writes CSV (RFC 4180). The header is written at once."""
    table = csv.writer(output, lineterminator="\n")
    table.writerow(COLUMNS)

    def write(name: str, outcome: NumberOutcome) -> None:
        row = _row(name, outcome)
        table.writerow([row[column] for column in COLUMNS])

    return write


def _row(name: str, outcome: NumberOutcome) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(COLUMNS) | {"file": name}
    if outcome.number is None:
        return row | {"error": outcome.reason}
    confidence = round(outcome.confidence, 4)
    return row | {"number": outcome.number, "confidence": confidence, "verdict": outcome.verdict}
