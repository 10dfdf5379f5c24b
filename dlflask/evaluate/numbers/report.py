"""Figures of an evaluation on numbers, and their tables in Markdown.

A case is an image of a number and its outcome.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dlflask.client import REFUSED, UNREAD
from dlflask.evaluate.metrics import Rate, rate
from dlflask.evaluate.numbers.outcomes import NumberCase, keep_digits
from dlflask.evaluate.render import describe_rate, markdown_table, rate_table
from dlflask.numbers.thresholds import VERDICTS

#: Required accuracies of answers. For each of them, the report gives the share of the images that
#: can be answered with this accuracy if only the most confident results are used.
LEVELS = (0.95, 0.98, 0.99)


@dataclass(frozen=True)
class NumberReport:
    """Figures on images of numbers. A refused image counts as wrong. Rates are fractions of 1.

    Attributes:
        about: Facts by name: the model or service, the images, the time taken.
        right: Share of the images whose whole number is right, including separators and sign.
        right_digits: Share of the images whose number is right if only the digits are compared.
        macro: Average of `right` over the sources.
        macro_digits: Average of `right_digits` over the sources.
        by_source: `right` for each source.
        digits_by_source: `right_digits` for each source.
        by_length: `right` for each number of digits in the label.
        character_errors: Number of characters to insert, delete or replace, divided by the number
            of characters in the labels.
        verdicts: Share of the images with each verdict.
        right_of_verdict: `right` for the images with each verdict.
        answered: Result of `share_answered` for each of `LEVELS`.
        unread: Name and reason of each image that could not be read. The figures do not include
            these images.
    """

    about: dict[str, Any]
    right: Rate
    right_digits: Rate
    macro: float
    macro_digits: float
    by_source: dict[str, Rate]
    digits_by_source: dict[str, Rate]
    by_length: dict[str, Rate]
    character_errors: float
    verdicts: dict[str, Rate]
    right_of_verdict: dict[str, Rate]
    answered: dict[str, float]
    unread: list[str]

    def write(self, path: Path) -> None:
        """Write the report as JSON to `path`."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def summarise_numbers(all_cases: Sequence[NumberCase], about: dict[str, Any]) -> NumberReport:
    """Compute all figures."""
    cases = [case for case in all_cases if case.outcome.verdict != UNREAD]
    by_source = _rates(cases, lambda case: case.image.source)
    digits_by_source = _rates(cases, lambda case: case.image.source, digits_only=True)
    counts = Counter(case.outcome.verdict for case in cases)
    errors = sum(edit_distance(case.read, case.image.number) for case in cases)
    return NumberReport(
        about=about,
        right=rate(sum(case.is_right for case in cases), len(cases)),
        right_digits=rate(sum(case.has_right_digits for case in cases), len(cases)),
        macro=_mean(by_source),
        macro_digits=_mean(digits_by_source),
        by_source=by_source,
        digits_by_source=digits_by_source,
        by_length=_rates(cases, lambda case: f"{len(keep_digits(case.image.number)):2}"),
        character_errors=errors / max(1, sum(len(case.image.number) for case in cases)),
        verdicts={each: rate(counts[each], len(cases)) for each in (*VERDICTS, REFUSED)},
        right_of_verdict=_rates(cases, lambda case: case.outcome.verdict),
        answered={f"{level:.0%}": share_answered(cases, level) for level in LEVELS},
        unread=[
            f"{case.image.name}: {case.outcome.reason}"
            for case in all_cases
            if case.outcome.verdict == UNREAD
        ],
    )


def share_answered(cases: Sequence[NumberCase], level: float) -> float:
    """Return the largest share of the cases that can be answered with an accuracy of `level`.

    A share consists of the most confident cases. At least `level` of these cases must be right.
    """
    right, share = 0, 0.0
    for count, case in enumerate(sorted(cases, key=lambda one: -one.outcome.confidence), start=1):
        right += case.is_right
        if right >= level * count:
            share = count / len(cases)
    return share


def edit_distance(one: str, other: str) -> int:
    """Return how many characters must at least be changed to turn `one` into `other`.

    A change inserts, deletes or replaces one character.

    Source: V. I. Levenshtein, Binary Codes Capable of Correcting Deletions, Insertions and
    Reversals, 1966.
    """
    row = list(range(len(other) + 1))
    for i, first in enumerate(one, start=1):
        diagonal, row[0] = row[0], i
        for j, second in enumerate(other, start=1):
            replaced = diagonal + (first != second)
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, replaced)
    return row[-1]


def to_number_markdown(report: NumberReport) -> str:
    """Return the report as a Markdown page with several tables."""
    figures = [
        ("right", describe_rate(report.right)),
        ("right, macro average over sources", f"{report.macro:.2%}"),
        ("digits right", describe_rate(report.right_digits)),
        ("digits right, macro average over sources", f"{report.macro_digits:.2%}"),
        ("character error rate", f"{report.character_errors:.2%}"),
        *((f"answered if {level} are right", f"{at:.1%}") for level, at in report.answered.items()),
    ]
    verdicts = [
        (name, found.hits, f"{found.rate:.2%}", describe_rate(report.right_of_verdict[name]))
        for name, found in report.verdicts.items()
        if found.hits
    ]
    parts = [
        "# Evaluation of numbers",
        markdown_table(("", ""), report.about.items()),
        "## Whole numbers",
        markdown_table(("measure", "value"), figures),
        "### Verdicts",
        markdown_table(("verdict", "images", "share", "of these right"), verdicts),
        "### By source",
        rate_table("source", "right", report.by_source),
        "### Digits alone, by source",
        rate_table("source", "right", report.digits_by_source),
        "### By number of digits",
        rate_table("digits", "right", report.by_length),
    ]
    if report.unread:
        parts += [f"## Not read and not counted: {len(report.unread)}", "\n".join(report.unread)]
    return "\n\n".join(parts) + "\n"


def _rates(
    cases: Sequence[NumberCase], key: Callable[[NumberCase], str], *, digits_only: bool = False
) -> dict[str, Rate]:
    groups: dict[str, list[bool]] = defaultdict(list)
    for case in cases:
        groups[key(case)].append(case.has_right_digits if digits_only else case.is_right)
    return {name: rate(sum(hits), len(hits)) for name, hits in sorted(groups.items())}


def _mean(rates: dict[str, Rate]) -> float:
    return sum(each.rate for each in rates.values()) / max(1, len(rates))
