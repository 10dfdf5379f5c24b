"""Figures on images of numbers, and their tables in Markdown.

A case is an image of a number and its outcome.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dlflask.client import REFUSED
from dlflask.evaluate.metrics import Rate, mean_rate, rate, rates_by
from dlflask.evaluate.outcomes import Case
from dlflask.evaluate.tables import describe_rate, markdown_table, rate_table, verdict_table
from dlflask.numbers.thresholds import VERDICTS

#: Required accuracies. For each one, the report gives the result of `share_answered`.
LEVELS = (0.95, 0.98, 0.99)


@dataclass(frozen=True)
class NumberFigures:
    """Figures on images of numbers. A refused image counts as wrong. Rates are fractions of 1.

    Attributes:
        right: Share of the images whose whole number is right, including separators and sign.
        right_digits: Share of the images whose number is right if only the digits are compared.
        macro: Mean of `by_source`. Each source has the same weight.
        macro_digits: Mean of `digits_by_source`.
        by_source: `right` for each source.
        digits_by_source: `right_digits` for each source.
        by_length: `right` for each number of digits in the label.
        character_errors: Number of characters to insert, delete or replace, divided by the number
            of characters in the labels.
        right_by_verdict: `right` for the images with each verdict that occurs.
        answered: Result of `share_answered` for each of `LEVELS`.
    """

    right: Rate
    right_digits: Rate
    macro: float
    macro_digits: float
    by_source: dict[str, Rate]
    digits_by_source: dict[str, Rate]
    by_length: dict[str, Rate]
    character_errors: float
    right_by_verdict: dict[str, Rate]
    answered: dict[str, float]


def summarise_numbers(cases: Sequence[Case]) -> NumberFigures:
    """Compute all figures. There must be at least one case, and each image must have a label."""
    pairs = [(case.outcome.label or "", case.image.label or "") for case in cases]
    is_right = [case.is_right for case in cases]
    has_right_digits = [keep_digits(read) == keep_digits(label) for read, label in pairs]
    sources = [case.image.source for case in cases]
    by_source, digits_by_source = rates_by(sources, is_right), rates_by(sources, has_right_digits)
    by_verdict = rates_by([case.outcome.verdict for case in cases], is_right)
    errors = sum(edit_distance(read, label) for read, label in pairs)
    return NumberFigures(
        right=rate(sum(is_right), len(cases)),
        right_digits=rate(sum(has_right_digits), len(cases)),
        macro=mean_rate(by_source),
        macro_digits=mean_rate(digits_by_source),
        by_source=by_source,
        digits_by_source=digits_by_source,
        # Keys are sorted as text, so give each number the same width.
        by_length=rates_by([f"{len(keep_digits(label)):2}" for _, label in pairs], is_right),
        character_errors=errors / sum(len(label) for _, label in pairs),
        right_by_verdict={
            each: by_verdict[each] for each in (*VERDICTS, REFUSED) if each in by_verdict
        },
        answered={f"{level:.0%}": share_answered(cases, level) for level in LEVELS},
    )


def keep_digits(number: str) -> str:
    """Return the digits of `number`."""
    return "".join(filter(str.isdigit, number))


def share_answered(cases: Sequence[Case], level: float) -> float:
    """Return the largest share of the images whose numbers can be used with accuracy `level`.

    The most confident numbers are used, and people must read the other images. At least the share
    `level` of the used numbers must be right.
    """
    right, share = 0, 0.0
    for count, case in enumerate(sorted(cases, key=lambda one: -one.confidence), start=1):
        right += case.is_right
        if right >= level * count:
            share = count / len(cases)
    return share


def edit_distance(one: str, other: str) -> int:
    """Return the minimum number of changes that turn `one` into `other`.

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


def number_sections(numbers: NumberFigures) -> Iterator[str]:
    """Yield the headings and tables on images of numbers."""
    figures = [
        ("right", describe_rate(numbers.right)),
        ("right, macro average over sources", f"{numbers.macro:.2%}"),
        ("digits right", describe_rate(numbers.right_digits)),
        ("digits right, macro average over sources", f"{numbers.macro_digits:.2%}"),
        ("character error rate", f"{numbers.character_errors:.2%}"),
        *(
            (f"answered if {level} are right", f"{at:.1%}")
            for level, at in numbers.answered.items()
        ),
    ]
    yield "## Whole numbers"
    yield markdown_table(("measure", "value"), figures)
    yield "### Verdicts"
    yield verdict_table(numbers.right_by_verdict)
    yield "### By source"
    yield rate_table("source", "right", numbers.by_source)
    yield "### Digits alone, by source"
    yield rate_table("source", "right", numbers.digits_by_source)
    yield "### By number of digits"
    yield rate_table("digits", "right", numbers.by_length)
