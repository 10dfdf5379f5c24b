"""Tables of reports, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dlflask.evaluate.metrics import Rate


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table. A character | in a cell, such as in a file name, is escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in line)} |" for line in lines
    )


def rate_table(name: str, hits: str, rates: Mapping[str, Rate]) -> str:
    """Return a table with a row for each rate."""
    rows = [
        (each, found.count, found.hits, f"{found.rate:.2%}", interval(found))
        for each, found in rates.items()
    ]
    return markdown_table((name, "images", hits, "rate", "95 % interval"), rows)


def verdict_table(right_by_verdict: Mapping[str, Rate]) -> str:
    """Return a table of the verdicts on all images, with the accuracy for each verdict."""
    total = sum(right.count for right in right_by_verdict.values())
    rows = [
        (verdict, right.count, f"{right.count / total:.2%}", describe_rate(right))
        for verdict, right in right_by_verdict.items()
    ]
    return markdown_table(("verdict", "images", "share", "of these right"), rows)


def describe_rate(found: Rate) -> str:
    """Return a rate with its number of trials and its interval."""
    return f"{found.rate:.2%} of {found.count:,} (95 % interval {interval(found)})"


def interval(found: Rate, decimals: int = 2) -> str:
    """Return the 95 % interval of a rate."""
    return f"{found.low:.{decimals}%} to {found.high:.{decimals}%}"
