"""Figures of the readers (programs that read numbers), and the tables of the report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from bench.numbers.readers import READERS
from dlflask.evaluate.metrics import Rate
from dlflask.evaluate.numbers.report import summarise_numbers
from dlflask.evaluate.outcomes import Case
from dlflask.evaluate.tables import interval, markdown_table

_INTRODUCTION = (
    "A number counts as correct if all its digits are correct; other characters are ignored. "
    "Digit errors are the number of digits to insert, delete or replace, divided by the number of "
    "digits in the labels. All readers in turn read an image, and then the next image. "
    "Each reader runs in a separate process with one thread. CPU time is the median over all "
    "images and includes child processes. Peak memory is the peak resident memory of the process, "
    "minus the memory of a Python process without the reader; for the service, the worker process "
    "is measured. Disk space includes packages, libraries and models, but not Python. Quote "
    "ratios of figures from one run, because the figures change with the machine."
)

#: Title of the row for this project's service.
SERVICE = READERS["http"][0]


@dataclass(frozen=True)
class Row:
    """Figures of one reader. If the reader is not installed, its figures are empty.

    Attributes:
        reader: Title of the reader.
        missing: How to install the reader; empty if it is installed.
        version: Versions of the program and its model.
        right: Share of all images whose number is read correctly.
        by_source: For each source, share of its images whose number is read correctly.
        macro: Average of the shares of all sources, a fraction of 1.
        character_errors: Number of digits to insert, delete or replace, divided by the number of
            digits in the labels.
        cpu_milliseconds: Median CPU time for an image.
        peak_megabytes: Peak memory, minus the memory of a Python process without the reader.
        installed_megabytes: Size on disk.
        errors: Name of each image that raised an error, and the error. The image counts as wrong.
    """

    reader: str
    missing: str
    version: str = ""
    right: Rate | None = None
    by_source: dict[str, Rate] = field(default_factory=dict)
    macro: float = 0.0
    character_errors: float = 0.0
    cpu_milliseconds: float = 0.0
    peak_megabytes: float = 0.0
    installed_megabytes: float = 0.0
    errors: Sequence[str] = ()


def summarise(
    reader: str,
    cases: Sequence[Case],
    usage: Sequence[tuple[float, int]],
    *,
    version: str,
    disk_bytes: int,
) -> Row:
    """Return the figures of a reader that ran.

    Args:
        reader: Title of the reader.
        cases: At least one image with its outcome. Labels and predictions consist of digits.
        usage: For each image, the CPU time in seconds and the peak memory in bytes. The peak memory
            does not include the memory of a Python process without the reader.
        version: Versions of the program and its model.
        disk_bytes: Size on disk.
    """
    figures = summarise_numbers(cases)
    return Row(
        reader=reader,
        missing="",
        version=version,
        right=figures.right,
        by_source=figures.by_source,
        macro=figures.macro,
        character_errors=figures.character_errors,
        cpu_milliseconds=1e3 * median(seconds for seconds, _ in usage),
        peak_megabytes=max(peak for _, peak in usage) / 1e6,
        installed_megabytes=disk_bytes / 1e6,
        errors=[
            f"{case.image.name}: {case.outcome.reason}" for case in cases if case.outcome.reason
        ],
    )


def to_markdown(about: dict[str, str], rows: Sequence[Row]) -> str:
    """Return the report: facts about the run, a table of readers, and a table by source.

    Readers that did not run and errors are listed at the end.
    """
    ran = [row for row in rows if not row.missing]
    parts = [
        "# Readers of whole numbers",
        _INTRODUCTION,
        markdown_table(("", ""), about.items()),
        readers_table(rows),
        "## By source",
        _by_source(ran),
        "## Versions",
        markdown_table(("reader", "version"), ((row.reader, row.version) for row in ran)),
    ]
    if len(ran) < len(rows):
        lines = (f"- {row.reader}. To run it: `{row.missing}`" for row in rows if row.missing)
        parts += ["## Not run", "\n".join(lines)]
    if errors := [f"- {row.reader}: {error}" for row in ran for error in row.errors]:
        parts += ["## Errors, counted as wrong", "\n".join(errors)]
    return "\n\n".join(parts) + "\n"


def readers_table(rows: Sequence[Row]) -> str:
    """Return the table with one row for each reader."""
    several = any(len(row.by_source) > 1 for row in rows)
    average = ["average share over sources"] if several else []
    shares = ("numbers read correctly", "95 % interval of this share", *average)
    costs = ("CPU time per image", "peak memory", "disk space")
    return markdown_table(
        ("reader", "count of images", *shares, "digit errors", *costs),
        [
            (
                row.reader,
                f"{row.right.count:,}",
                f"{row.right.rate:.1%}",
                interval(row.right, 1),
                *([f"{row.macro:.1%}"] if several else []),
                f"{row.character_errors:.1%}",
                f"{row.cpu_milliseconds:.0f} ms",
                f"{row.peak_megabytes:.0f} MB",
                f"{row.installed_megabytes:.0f} MB",
            )
            if row.right
            else (row.reader, "not run", *("",) * (len(average) + 6))
            for row in rows
        ],
    )


def _by_source(ran: Sequence[Row]) -> str:
    rows = [
        (
            row.reader,
            *(
                f"{found.rate:.1%} of {found.count} ({interval(found, 1)})"
                for found in row.by_source.values()
            ),
        )
        for row in ran
    ]
    return markdown_table(("reader", *(ran[0].by_source if ran else ())), rows)


def write(folder: Path, about: dict[str, str], rows: Sequence[Row]) -> None:
    """Write NUMBERS.md and numbers.json to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "NUMBERS.md").write_text(to_markdown(about, rows), encoding="utf-8")
    stored = {"about": about, "rows": [asdict(row) for row in rows]}
    (folder / "numbers.json").write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> tuple[dict[str, str], list[Row]]:
    """Read a numbers.json that `write` has written."""
    stored = json.loads(path.read_text(encoding="utf-8"))
    for row in stored["rows"]:
        row["right"] = row["right"] and Rate(**row["right"])
        row["by_source"] = {name: Rate(**each) for name, each in row["by_source"].items()}
    return stored["about"], [Row(**row) for row in stored["rows"]]
