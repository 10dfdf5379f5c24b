"""Render a report as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from dlflask.evaluate.numbers.report import number_sections
from dlflask.evaluate.report import DigitFigures, NonDigitFigures, Report
from dlflask.evaluate.tables import describe_rate, markdown_table, rate_table, verdict_table

#: Maximum number of unread images that are listed by name. report.json lists all of them.
MAX_LISTED = 20


def to_markdown(report: Report) -> str:
    """Return the report as a Markdown page with several tables."""
    return "\n\n".join(_sections(report)) + "\n"


def _sections(report: Report) -> Iterator[str]:
    yield "# Evaluation of numbers" if report.numbers else "# Evaluation"
    yield markdown_table(("", ""), report.about.items())
    if report.digits:
        yield from _digit_sections(report.digits)
    if report.non_digits:
        yield from _non_digit_sections(report.non_digits)
    if report.numbers:
        yield from number_sections(report.numbers)
    if report.refusals:
        yield "## Refused, by reason"
        yield markdown_table(("reason", "images"), report.refusals.items())
    if report.unread:
        listed = [f"- {line}" for line in report.unread[:MAX_LISTED]]
        more = len(report.unread) - MAX_LISTED
        listed += [f"- and {more} more, see report.json"] if more > 0 else []
        yield f"## Not read and not counted: {len(report.unread)}"
        yield "\n".join(listed)


def _digit_sections(digits: DigitFigures) -> Iterator[str]:
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
    yield "## Digits"
    yield markdown_table(("measure", "value"), figures)
    yield "### Verdicts on digits"
    yield verdict_table(digits.right_by_verdict)
    yield "### By digit"
    yield rate_table("digit", "right", digits.by_class)
    yield "### By source"
    yield rate_table("source", "right", digits.by_source)
    yield "### Confusion: labels in rows, predictions in columns"
    counts = [[count or "" for count in row] for row in digits.confusion]
    yield markdown_table(
        ("", *map(str, range(10)), "refused"),
        [(f"**{label}**", *row) for label, row in enumerate(counts)],
    )
    if found:
        yield "### Reliability"
        yield markdown_table(
            ("confidence", "images", "mean confidence", "right"),
            [
                (
                    f"{each.low:.2f} to {each.high:.2f}",
                    each.count,
                    f"{each.confidence:.2%}",
                    f"{each.accuracy:.2%}",
                )
                for each in found.bins
            ],
        )


def _non_digit_sections(non_digits: NonDigitFigures) -> Iterator[str]:
    called = non_digits.called_digit
    verdicts = [
        (verdict, number, f"{number / called.count:.2%}")
        for verdict, number in non_digits.verdicts.items()
        if number
    ]
    yield "## Images without a digit"
    yield f"Called `digit`: {describe_rate(called)}"
    yield markdown_table(("verdict", "images", "share"), verdicts)
    yield "### Called `digit`, by source"
    yield rate_table("source", "called `digit`", non_digits.by_source)
