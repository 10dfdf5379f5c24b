"""Answers in, the figures of an evaluation out."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlflask.client import REFUSED, UNREAD
from dlflask.evaluate.metrics import Calibration, Rate, calibration, rate
from dlflask.evaluate.outcomes import OUTCOMES, Answer

#: Columns of the confusion matrix: the ten digits, and what was refused.
NUM_COLUMNS = 11


@dataclass(frozen=True)
class Digits:
    """Of pictures that show a digit; one that was refused is wrong.

    Attributes:
        confusion: 10 rows, what is shown, of 11 columns: the digit named, or refused.
        calibration: Of the pictures that were not refused; None where all were.
        verdicts: How many pictures got each of `OUTCOMES`.
        right_of_verdict: Of the pictures with each verdict, those whose digit was named.
    """

    accuracy: Rate
    macro_accuracy: float
    by_class: dict[str, Rate]
    by_source: dict[str, Rate]
    confusion: list[list[int]]
    calibration: Calibration | None
    verdicts: dict[str, int]
    right_of_verdict: dict[str, Rate]


@dataclass(frozen=True)
class NonDigits:
    """Of pictures that show no digit: those called `digit` are the mistakes."""

    called_digit: Rate
    verdicts: dict[str, int]
    by_source: dict[str, Rate]


@dataclass(frozen=True)
class Report:
    """An evaluation. Rates are fractions of 1.

    Attributes:
        about: What was evaluated, on what, how fast; in words and numbers.
        refusals: The refused pictures by reason, most frequent first.
        unread: Name and reason of each picture that got no answer, and each file without a label;
            none of them is counted.
    """

    about: dict[str, Any]
    digits: Digits | None
    non_digits: NonDigits | None
    refusals: dict[str, int]
    unread: list[str]

    def write(self, path: Path) -> None:
        """Save as JSON at `path`."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def summarise(
    answers: Sequence[Answer], about: dict[str, Any], unlabelled: Sequence[str] = ()
) -> Report:
    """Count `answers`; digits and non-digits are told by their labels."""
    read = [answer for answer in answers if answer.outcome.verdict != UNREAD]
    lost = [answer for answer in answers if answer.outcome.verdict == UNREAD]
    digits = [answer for answer in read if answer.picture.label is not None]
    non_digits = [answer for answer in read if answer.picture.label is None]
    refused = Counter(
        answer.outcome.reason.partition(":")[0]
        for answer in read
        if answer.outcome.verdict == REFUSED
    )
    return Report(
        about=about,
        digits=_summarise_digits(digits) if digits else None,
        non_digits=_summarise_non_digits(non_digits) if non_digits else None,
        refusals=dict(refused.most_common()),
        unread=[f"{answer.picture.name}: {answer.outcome.reason}" for answer in lost]
        + [f"{name}: it does not lie in a folder named after a digit" for name in unlabelled],
    )


def _summarise_digits(answers: Sequence[Answer]) -> Digits:
    by_source = _rates(answers, lambda answer: answer.picture.source)
    return Digits(
        accuracy=rate(sum(answer.is_right for answer in answers), len(answers)),
        macro_accuracy=float(np.mean([each.rate for each in by_source.values()])),
        by_class=_rates(answers, lambda answer: answer.picture.label),
        by_source=by_source,
        confusion=_confusion(answers),
        calibration=_calibration(answers),
        verdicts=_verdicts(answers),
        right_of_verdict=_rates(answers, lambda answer: answer.outcome.verdict),
    )


def _summarise_non_digits(answers: Sequence[Answer]) -> NonDigits:
    by_source = _rates(
        answers, lambda answer: answer.picture.source, lambda answer: answer.is_called_digit
    )
    return NonDigits(
        called_digit=rate(sum(answer.is_called_digit for answer in answers), len(answers)),
        verdicts=_verdicts(answers),
        by_source=by_source,
    )


def _rates(
    answers: Iterable[Answer],
    key: Callable[[Answer], Hashable],
    hit: Callable[[Answer], bool] = lambda answer: answer.is_right,
) -> dict[str, Rate]:
    groups: dict[str, list[bool]] = defaultdict(list)
    for answer in answers:
        groups[str(key(answer))].append(hit(answer))
    return {name: rate(sum(hits), len(hits)) for name, hits in sorted(groups.items())}


def _confusion(answers: Iterable[Answer]) -> list[list[int]]:
    matrix = np.zeros((10, NUM_COLUMNS), int)
    for answer in answers:
        matrix[answer.picture.label, NUM_COLUMNS - 1 if answer.guess is None else answer.guess] += 1
    rows: list[list[int]] = matrix.tolist()
    return rows


def _calibration(answers: Iterable[Answer]) -> Calibration | None:
    named = [(a.outcome.probabilities, a.picture.label) for a in answers if a.guess is not None]
    if not named:
        return None
    probabilities, labels = zip(*named, strict=True)
    return calibration(np.stack(probabilities), np.array(labels))


def _verdicts(answers: Iterable[Answer]) -> dict[str, int]:
    counts = Counter(answer.outcome.verdict for answer in answers)
    return {verdict: counts[verdict] for verdict in OUTCOMES}
