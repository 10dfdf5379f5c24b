"""Render a report as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dlflask.evaluate.metrics import Calibration, Rate
from dlflask.evaluate.report import NUM_COLUMNS, Digits, NonDigits, Report

#: Maximum number of unread images that are listed by name. report.json lists all of them.
MAX_LISTED = 20


def to_markdown(report: Report) -> str:
    """Return the report as a Markdown page with several tables."""
    parts = ["# Evaluation", markdown_table(("", ""), report.about.items())]
    if report.digits:
        parts += _digits(report.digits)
    if report.non_digits:
        parts += _non_digits(report.non_digits)
    if report.refusals:
        refusals = markdown_table(("reason", "images"), report.refusals.items())
        parts += ["## Refused, by reason", refusals]
    if report.unread:
        listed = [f"- {line}" for line in report.unread[:MAX_LISTED]]
        more = len(report.unread) - MAX_LISTED
        listed += [f"- and {more} more, see report.json"] if more > 0 else []
        parts += [f"## Not read and not counted: {len(report.unread)}", "\n".join(listed)]
    return "\n\n".join(parts) + "\n"


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table. A character | in a cell, such as in a file name, is escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in line)} |" for line in lines
    )


def _digits(digits: Digits) -> list[str]:
    found = digits.calibration
    figures: list[tuple[str, object]] = [
        ("right", describe_rate(digits.accuracy)),
        ("macro average over sources", f"{digits.macro_accuracy:.2%}"),
        ("sources", len(digits.by_source)),
    ]
    if found:
        figures += [
            ("calibration error (15 bins)", f"{found.error:.2%}"),
            ("log loss", f"{found.log_loss:.4f}"),
            ("Brier score", f"{found.brier:.4f}"),
        ]
    verdicts = [
        (verdict, count, f"{count / digits.accuracy.count:.2%}", describe_rate(right))
        for verdict, count in digits.verdicts.items()
        if (right := digits.right_of_verdict.get(verdict))
    ]
    return [
        "## Digits",
        markdown_table(("measure", "value"), figures),
        "### Verdicts on digits",
        markdown_table(("verdict", "images", "share", "of these right"), verdicts),
        "### By digit",
        rate_table("digit", "right", digits.by_class),
        "### By source",
        rate_table("source", "right", digits.by_source),
        "### Confusion: labels in rows, predictions in columns",
        _confusion(digits.confusion),
        *(_reliability(found) if found else []),
    ]


def _reliability(found: Calibration) -> list[str]:
    rows = [
        (
            f"{each.low:.2f} to {each.high:.2f}",
            each.count,
            f"{each.confidence:.2%}",
            f"{each.accuracy:.2%}",
        )
        for each in found.bins
    ]
    header = ("confidence", "images", "mean confidence", "right")
    return ["### Reliability", markdown_table(header, rows)]


def _confusion(matrix: Sequence[Sequence[int]]) -> str:
    header = ("", *map(str, range(NUM_COLUMNS - 1)), "refused")
    rows = [(f"**{label}**", *(count or "" for count in row)) for label, row in enumerate(matrix)]
    return markdown_table(header, rows)


def _non_digits(non_digits: NonDigits) -> list[str]:
    called = non_digits.called_digit
    verdicts = [
        (verdict, number, f"{number / called.count:.2%}")
        for verdict, number in non_digits.verdicts.items()
        if number
    ]
    return [
        "## Images without a digit",
        f"Called `digit`: {describe_rate(called)}",
        markdown_table(("verdict", "images", "share"), verdicts),
        "### Called `digit`, by source",
        rate_table("source", "called `digit`", non_digits.by_source),
    ]


def rate_table(name: str, hits: str, rates: Mapping[str, Rate]) -> str:
    """Return a table with a row for each rate."""
    rows = [
        (each, found.count, found.hits, f"{found.rate:.2%}", _interval(found))
        for each, found in rates.items()
    ]
    return markdown_table((name, "images", hits, "rate", "95 % interval"), rows)


def describe_rate(found: Rate) -> str:
    """Return a rate with its number of trials and its interval."""
    return f"{found.rate:.2%} of {found.count:,} (95 % interval {_interval(found)})"


def _interval(found: Rate) -> str:
    return f"{found.low:.2%} to {found.high:.2%}"
