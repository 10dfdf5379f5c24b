"""Proportions with confidence intervals, and calibration metrics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

Probabilities = NDArray[np.floating]
Labels = NDArray[np.integer]

#: As in the literature, so that figures can be compared.
NUM_BINS = 15

#: A float32 probability of 0 is rounding; its logarithm would be infinite.
_MIN_PROBABILITY = 1e-30


@dataclass(frozen=True)
class Rate:
    """A proportion in `count` trials, with its 95 % interval; fractions of 1."""

    hits: int
    count: int
    rate: float
    low: float
    high: float


def rate(hits: int, count: int) -> Rate:
    """Return a proportion with its Wilson interval; without trials the interval is 0 to 1.

    Source: E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference,
    JASA 22 (1927).
    """
    if not count:
        return Rate(0, 0, 0.0, 0.0, 1.0)
    interval = binomtest(hits, count).proportion_ci(method="wilson")
    return Rate(hits, count, hits / count, float(interval.low), float(interval.high))


@dataclass(frozen=True)
class Bin:
    """Mean confidence and accuracy of the predictions with a confidence in `low` to `high`."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """Agreement of confidence and accuracy; lower is better.

    Attributes:
        error: Expected calibration error over `bins`, a fraction of 1.
        log_loss: Mean negative logarithm of the probability of the label, in nats.
        brier: Mean squared distance of the ten probabilities from the label's one-hot vector, 0..2.
        bins: The reliability table, without empty bins.
    """

    error: float
    log_loss: float
    brier: float
    bins: list[Bin]


def calibration(probabilities: Probabilities, labels: Labels) -> Calibration:
    """Compare predicted probabilities with labels.

    Args:
        probabilities: (N, 10), rows that sum to 1; N at least 1.
        labels: (N,) in 0..9.

    Source: Naeini, Cooper, Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian
    Binning, AAAI 2015 (the error); G. W. Brier, Verification of Forecasts, 1950.
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


def reliability(
    confidence: Probabilities, is_right: NDArray[np.bool_], num_bins: int = NUM_BINS
) -> list[Bin]:
    """Group (N,) confidences in bins of equal width; a confidence of 1 is in the last bin."""
    index = np.minimum((confidence * num_bins).astype(int), num_bins - 1)
    return [
        Bin(
            low=number / num_bins,
            high=(number + 1) / num_bins,
            count=int((index == number).sum()),
            confidence=float(confidence[index == number].mean()),
            accuracy=float(is_right[index == number].mean()),
        )
        for number in np.unique(index).tolist()
    ]
