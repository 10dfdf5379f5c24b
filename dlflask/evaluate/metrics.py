"""Proportions with confidence intervals, and calibration metrics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

Probabilities = NDArray[np.floating]
Labels = NDArray[np.integer]

#: Number of bins of the calibration error. Most publications use 15 bins, so their figures can be
#: compared with ours.
NUM_BINS = 15

#: Smaller probabilities are replaced by this value before their logarithm is taken. In float32 they
#: may be rounded to 0, whose logarithm is infinite.
_MIN_PROBABILITY = 1e-30


@dataclass(frozen=True)
class Rate:
    """Proportion of `hits` in `count` trials, and its 95 % interval from `low` to `high`.

    `rate`, `low` and `high` are fractions of 1.
    """

    hits: int
    count: int
    rate: float
    low: float
    high: float


def rate(hits: int, count: int) -> Rate:
    """Return a proportion with its Wilson interval. If `count` is 0, the interval is 0 to 1.

    Source: E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference,
    JASA 22 (1927).
    """
    if not count:
        return Rate(0, 0, 0.0, 0.0, 1.0)
    interval = binomtest(hits, count).proportion_ci(method="wilson")
    return Rate(hits, count, hits / count, float(interval.low), float(interval.high))


def rates_by(keys: Iterable[object], hits: Iterable[bool]) -> dict[str, Rate]:
    """Group trials by their keys. Return the share of hits in each group, sorted by key."""
    groups: dict[str, list[bool]] = defaultdict(list)
    for key, hit in zip(keys, hits, strict=True):
        groups[str(key)].append(hit)
    return {key: rate(sum(group), len(group)) for key, group in sorted(groups.items())}


def mean_rate(rates: Mapping[str, Rate]) -> float:
    """Return the mean of the rates, in which each rate has the same weight."""
    return float(np.mean([each.rate for each in rates.values()]))


@dataclass(frozen=True)
class Bin:
    """Mean confidence and accuracy of the predictions whose confidence is from `low` to `high`."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """Measures of how well confidence agrees with accuracy. Lower values are better.

    Attributes:
        error: Expected calibration error, a fraction of 1: mean difference between confidence and
            accuracy in `bins`, weighted by the number of predictions.
        log_loss: Mean negative natural logarithm of the probability of the label.
        brier: Mean squared distance of the ten probabilities from the label's one-hot vector, 0..2.
        bins: Ranges of confidence that contain at least one prediction.
    """

    error: float
    log_loss: float
    brier: float
    bins: list[Bin]


def calibration(probabilities: Probabilities, labels: Labels) -> Calibration:
    """Compare predicted probabilities with labels.

    Args:
        probabilities: (N, 10), N at least 1. Each row sums to 1.
        labels: (N,) in 0..9.

    Source of the calibration error: Naeini, Cooper, Hauskrecht, Obtaining Well Calibrated
    Probabilities Using Bayesian Binning, AAAI 2015. Source of the Brier score: G. W. Brier,
    Verification of Forecasts Expressed in Terms of Probability, 1950.
    """
    probabilities = np.asarray(probabilities, np.float64)
    labels = np.asarray(labels)
    one_hot = np.eye(probabilities.shape[1])[labels]
    of_label = np.maximum(probabilities[np.arange(len(labels)), labels], _MIN_PROBABILITY)
    bins = reliability(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)
    gaps = sum(each.count * abs(each.confidence - each.accuracy) for each in bins)
    return Calibration(
        error=gaps / len(labels),
        log_loss=float(-np.log(of_label).mean()),
        brier=float(((probabilities - one_hot) ** 2).sum(axis=1).mean()),
        bins=bins,
    )


def reliability(confidence: Probabilities, is_right: NDArray[np.bool_]) -> list[Bin]:
    """Group predictions by their confidence, in bins of equal width. Leave out empty bins.

    A confidence of exactly 1 belongs to the last bin.
    """
    index = np.minimum((confidence * NUM_BINS).astype(int), NUM_BINS - 1)
    return [
        Bin(
            low=number / NUM_BINS,
            high=(number + 1) / NUM_BINS,
            count=int((index == number).sum()),
            confidence=float(confidence[index == number].mean()),
            accuracy=float(is_right[index == number].mean()),
        )
        for number in np.unique(index).tolist()
    ]
