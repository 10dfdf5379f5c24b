"""Figures of an evaluation, computed from its cases. A case is an image and its outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlflask.client import REFUSED, UNREAD
from dlflask.evaluate.metrics import Calibration, Rate, calibration, mean_rate, rate, rates_by
from dlflask.evaluate.numbers.report import NumberFigures, summarise_numbers
from dlflask.evaluate.outcomes import OUTCOMES, Case

#: Column of refused images in the confusion matrix. It follows the columns of the ten digits.
_REFUSED_COLUMN = 10


@dataclass(frozen=True)
class DigitFigures:
    """Figures on images of digits. A refused image counts as wrong.

    Attributes:
        accuracy: Share of the images that are read correctly.
        macro_accuracy: Mean of the accuracies on the sources. Each source has the same weight.
        by_class: Accuracy on the images of each digit.
        by_source: Accuracy on the images of each source.
        confusion: Number of images for each label (10 rows) and each predicted digit (10 columns).
            An eleventh column counts refused images.
        calibration: Calibration on the images with a prediction; None if there are none.
        verdicts: Number of images with each of `OUTCOMES`.
        right_by_verdict: Accuracy on the images with each verdict that occurs.
    """

    accuracy: Rate
    macro_accuracy: float
    by_class: dict[str, Rate]
    by_source: dict[str, Rate]
    confusion: list[list[int]]
    calibration: Calibration | None
    verdicts: dict[str, int]
    right_by_verdict: dict[str, Rate]


@dataclass(frozen=True)
class NonDigitFigures:
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
        about: Facts about the run, such as the model, the images and the time.
        digits: Figures on images of digits; None if there are none.
        non_digits: Figures on images without a digit; None if there are none.
        numbers: Figures on images of numbers; None if there are none.
        refusals: Number of refused images by reason, most frequent reason first.
        unread: Files that the figures do not include, with the reason: the file could not be read,
            the service failed, or the label is missing.
    """

    about: dict[str, Any]
    digits: DigitFigures | None
    non_digits: NonDigitFigures | None
    numbers: NumberFigures | None
    refusals: dict[str, int]
    unread: list[str]


def summarise(
    cases: Sequence[Case],
    about: dict[str, Any],
    files_without_label: Sequence[str] = (),
    *,
    numbers: bool = False,
) -> Report:
    """Compute all figures.

    Args:
        cases: Images with their outcomes.
        about: Facts for the report.
        files_without_label: Names of the files whose folder is not a label.
        numbers: True if the labels are numbers, False if they are digits.
    """
    attempted = [case for case in cases if case.outcome.verdict != UNREAD]
    labelled = [case for case in attempted if case.image.label is not None]
    non_digits = [case for case in attempted if case.image.label is None]
    reasons = [case.outcome.reason for case in attempted if case.outcome.verdict == REFUSED]
    unread = [case for case in cases if case.outcome.verdict == UNREAD]
    return Report(
        about=about,
        digits=_summarise_digits(labelled) if labelled and not numbers else None,
        non_digits=_summarise_non_digits(non_digits) if non_digits else None,
        numbers=summarise_numbers(labelled) if labelled and numbers else None,
        refusals=dict(Counter(reason.partition(":")[0] for reason in reasons).most_common()),
        unread=[f"{case.image.name}: {case.outcome.reason}" for case in unread]
        + [f"{name}: its folder is not named after a digit" for name in files_without_label],
    )


def _summarise_digits(cases: Sequence[Case]) -> DigitFigures:
    is_right = [case.is_right for case in cases]
    by_source = rates_by([case.image.source for case in cases], is_right)
    by_verdict = rates_by([case.outcome.verdict for case in cases], is_right)
    return DigitFigures(
        accuracy=rate(sum(is_right), len(cases)),
        macro_accuracy=mean_rate(by_source),
        by_class=rates_by([case.image.label for case in cases], is_right),
        by_source=by_source,
        confusion=_confusion(cases),
        calibration=_calibration(cases),
        verdicts=_count_verdicts(cases),
        right_by_verdict={each: by_verdict[each] for each in OUTCOMES if each in by_verdict},
    )


def _summarise_non_digits(cases: Sequence[Case]) -> NonDigitFigures:
    called_digit = [case.is_called_digit for case in cases]
    return NonDigitFigures(
        called_digit=rate(sum(called_digit), len(cases)),
        verdicts=_count_verdicts(cases),
        by_source=rates_by([case.image.source for case in cases], called_digit),
    )


def _confusion(cases: Sequence[Case]) -> list[list[int]]:
    labels = np.array([case.image.label for case in cases], int)
    predicted = np.array([case.outcome.label or _REFUSED_COLUMN for case in cases], int)
    num_columns = _REFUSED_COLUMN + 1
    counts = np.bincount(labels * num_columns + predicted, minlength=10 * num_columns)
    rows: list[list[int]] = counts.reshape(10, num_columns).tolist()
    return rows


def _calibration(cases: Sequence[Case]) -> Calibration | None:
    found = [(case.outcome.probabilities, case.image.label) for case in cases]
    predicted = [(rows, label) for rows, label in found if rows is not None]
    if not predicted:
        return None
    rows, labels = zip(*predicted, strict=True)
    return calibration(np.stack(rows), np.array(labels, int))


def _count_verdicts(cases: Sequence[Case]) -> dict[str, int]:
    counts = Counter(case.outcome.verdict for case in cases)
    return {verdict: counts[verdict] for verdict in OUTCOMES}
