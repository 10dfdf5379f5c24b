"""A report in, Markdown to read out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dlflask.evaluate.metrics import Calibration, Rate
from dlflask.evaluate.report import NUM_COLUMNS, Digits, NonDigits, Report

#: Named in the text; report.json has them all.
MAX_LISTED = 20


def to_markdown(report: Report) -> str:
    """The report as a page with a table for each question."""
    parts = ["# Evaluation", _table(("", ""), report.about.items())]
    if report.digits:
        parts += _digits(report.digits)
    if report.non_digits:
        parts += _non_digits(report.non_digits)
    if report.refusals:
        parts += ["## Refused, by reason", _table(("reason", "pictures"), report.refusals.items())]
    if report.unread:
        listed = [f"- {line}" for line in report.unread[:MAX_LISTED]]
        more = len(report.unread) - MAX_LISTED
        listed += [f"- and {more} more, see report.json"] if more > 0 else []
        parts += [f"## Not read and not counted: {len(report.unread)}", "\n".join(listed)]
    return "\n\n".join(parts) + "\n"


def _digits(digits: Digits) -> list[str]:
    return [
        "## Digits",
        _table(
            ("measure", "value"),
            [
                ("right", _rate(digits.accuracy)),
                ("macro average over sources", _percent(digits.macro_accuracy)),
                ("sources", len(digits.by_source)),
                *_calibration_rows(digits.calibration),
            ],
        ),
        "### Verdicts on digits",
        _table(
            ("verdict", "pictures", "share", "of these right"),
            [
                (verdict, count, _percent(count / digits.accuracy.count), _rate(right))
                for verdict, count in digits.verdicts.items()
                if (right := digits.right_of_verdict.get(verdict))
            ],
        ),
        "### By digit",
        _rates("digit", "right", digits.by_class),
        "### By source",
        _rates("source", "right", digits.by_source),
        "### Confusion: what is shown (rows), what was named (columns)",
        _confusion(digits.confusion),
        *(_reliability(digits.calibration) if digits.calibration else []),
    ]


def _calibration_rows(found: Calibration | None) -> list[tuple[str, str]]:
    if found is None:
        return []
    return [
        ("calibration error (15 bins)", _percent(found.error)),
        ("log loss", f"{found.log_loss:.4f}"),
        ("Brier score", f"{found.brier:.4f}"),
    ]


def _reliability(found: Calibration) -> list[str]:
    rows = [
        (
            f"{each.low:.2f} to {each.high:.2f}",
            each.count,
            _percent(each.confidence),
            _percent(each.accuracy),
        )
        for each in found.bins
    ]
    header = ("confidence", "pictures", "mean confidence", "right")
    return ["### Reliability", _table(header, rows)]


def _confusion(matrix: Sequence[Sequence[int]]) -> str:
    header = ("", *map(str, range(NUM_COLUMNS - 1)), "refused")
    rows = [(f"**{label}**", *(count or "" for count in row)) for label, row in enumerate(matrix)]
    return _table(header, rows)


def _non_digits(non_digits: NonDigits) -> list[str]:
    count = non_digits.called_digit.count
    verdicts = [
        (verdict, number, _percent(number / count))
        for verdict, number in non_digits.verdicts.items()
        if number
    ]
    return [
        "## What shows no digit",
        f"Called `digit`: {_rate(non_digits.called_digit)}",
        _table(("verdict", "pictures", "share"), verdicts),
        "### Called `digit`, by source",
        _rates("source", "called `digit`", non_digits.by_source),
    ]


def _rates(name: str, hits: str, rates: Mapping[str, Rate]) -> str:
    rows = [
        (each, found.count, found.hits, _percent(found.rate), _interval(found))
        for each, found in rates.items()
    ]
    return _table((name, "pictures", hits, "rate", "95 % interval"), rows)


def _rate(found: Rate) -> str:
    return f"{_percent(found.rate)} of {found.count:,} (95 % interval {_interval(found)})"


def _interval(found: Rate) -> str:
    return f"{_percent(found.low)} to {_percent(found.high)}"


def _percent(share: float) -> str:
    return f"{share:.2%}"


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    # A bar in a cell, as a file's name may have, would end it.
    return "\n".join(
        f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in line)} |" for line in lines
    )
