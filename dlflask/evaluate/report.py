"""Figures of an evaluation, computed from its cases. A case is an image and its outcome."""

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
from dlflask.evaluate.outcomes import OUTCOMES, Case

#: Number of columns of the confusion matrix: one for each digit and one for refused images.
NUM_COLUMNS = 11


@dataclass(frozen=True)
class Digits:
    """Figures on images of digits. A refused image counts as wrong.

    Attributes:
        accuracy: Share of the images that are read correctly.
        macro_accuracy: Average of the accuracies on all sources.
        by_class: Accuracy on the images of each digit.
        by_source: Accuracy on the images of each source.
        confusion: Numbers of images, with one row for each of the 10 labels, one column for each
            predicted digit, and a last column for refused images.
        calibration: Calibration on the images that were not refused; None if all were refused.
        verdicts: Number of images with each of `OUTCOMES`.
        right_of_verdict: Accuracy on the images with each verdict.
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
    """Figures on images without a digit. The verdict `digit` is a mistake for such an image.

    Attributes:
        called_digit: Share of the images with the verdict `digit`.
        verdicts: Number of images with each of `OUTCOMES`.
        by_source: `called_digit` for each source.
    """

    called_digit: Rate
    verdicts: dict[str, int]
    by_source: dict[str, Rate]


@dataclass(frozen=True)
class Report:
    """Figures of an evaluation. Rates are fractions of 1.

    Attributes:
        about: Facts by name: the model or service, the images, the time taken.
        digits: Figures on images of digits; None if there are none.
        non_digits: Figures on images without a digit; None if there are none.
        refusals: Number of refused images by reason, most frequent reason first.
        unread: Name and reason of each image that could not be read, and of each file whose folder
            does not name a label. The figures do not include these images and files.
    """

    about: dict[str, Any]
    digits: Digits | None
    non_digits: NonDigits | None
    refusals: dict[str, int]
    unread: list[str]

    def write(self, path: Path) -> None:
        """Write the report as JSON to `path`."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def summarise(
    cases: Sequence[Case], about: dict[str, Any], unlabelled: Sequence[str] = ()
) -> Report:
    """Compute all figures. Images whose label is None show no digit."""
    attempted = [case for case in cases if case.outcome.verdict != UNREAD]
    digits = [case for case in attempted if case.image.label is not None]
    non_digits = [case for case in attempted if case.image.label is None]
    reasons = [case.outcome.reason for case in attempted if case.outcome.verdict == REFUSED]
    unread = [case for case in cases if case.outcome.verdict == UNREAD]
    return Report(
        about=about,
        digits=_summarise_digits(digits) if digits else None,
        non_digits=_summarise_non_digits(non_digits) if non_digits else None,
        refusals=dict(Counter(reason.partition(":")[0] for reason in reasons).most_common()),
        unread=[f"{case.image.name}: {case.outcome.reason}" for case in unread]
        + [f"{name}: its folder is not named after a digit" for name in unlabelled],
    )


def _summarise_digits(cases: Sequence[Case]) -> Digits:
    by_source = _rates(cases, lambda case: case.image.source)
    return Digits(
        accuracy=rate(sum(case.is_right for case in cases), len(cases)),
        macro_accuracy=float(np.mean([each.rate for each in by_source.values()])),
        by_class=_rates(cases, lambda case: case.image.label),
        by_source=by_source,
        confusion=_confusion(cases),
        calibration=_calibration(cases),
        verdicts=_verdicts(cases),
        right_of_verdict=_rates(cases, lambda case: case.outcome.verdict),
    )


def _summarise_non_digits(cases: Sequence[Case]) -> NonDigits:
    return NonDigits(
        called_digit=rate(sum(case.is_called_digit for case in cases), len(cases)),
        verdicts=_verdicts(cases),
        by_source=_rates(cases, lambda case: case.image.source, lambda case: case.is_called_digit),
    )


def _rates(
    cases: Iterable[Case],
    key: Callable[[Case], Hashable],
    is_hit: Callable[[Case], bool] = lambda case: case.is_right,
) -> dict[str, Rate]:
    groups: dict[str, list[bool]] = defaultdict(list)
    for case in cases:
        groups[str(key(case))].append(is_hit(case))
    return {name: rate(sum(hits), len(hits)) for name, hits in sorted(groups.items())}


def _confusion(cases: Iterable[Case]) -> list[list[int]]:
    matrix = np.zeros((10, NUM_COLUMNS), int)
    for case in cases:
        matrix[case.image.label, NUM_COLUMNS - 1 if case.predicted is None else case.predicted] += 1
    rows: list[list[int]] = matrix.tolist()
    return rows


def _calibration(cases: Iterable[Case]) -> Calibration | None:
    predicted = [case for case in cases if case.predicted is not None]
    if not predicted:
        return None
    rows = np.stack([case.outcome.probabilities for case in predicted])  # type: ignore[misc]
    return calibration(rows, np.array([case.image.label for case in predicted]))


def _verdicts(cases: Iterable[Case]) -> dict[str, int]:
    counts = Counter(case.outcome.verdict for case in cases)
    return {verdict: counts[verdict] for verdict in OUTCOMES}
