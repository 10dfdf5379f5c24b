"""Proportions with intervals, and how far a confidence can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.floating]
Labels = NDArray[np.integer]

#: The normal distribution's 97.5 % point: a two-sided 95 % interval.
Z_95 = 1.959964

#: As in the literature, so that figures can be compared.
NUM_BINS = 15

#: A float32 probability of 0 is rounding; its logarithm would be infinite.
_MIN_PROBABILITY = 1e-30


@dataclass(frozen=True)
class Rate:
    """A proportion seen in `count` trials, with its 95 % interval; fractions of 1."""

    hits: int
    count: int
    rate: float
    low: float
    high: float


def rate(hits: int, count: int) -> Rate:
    """A proportion with its Wilson interval; of no trials at all, nothing is known.

    Source: E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference,
    JASA 22 (1927).
    """
    if not count:
        return Rate(0, 0, 0.0, 0.0, 1.0)
    share, square = hits / count, Z_95**2
    centre = share + square / (2 * count)
    spread = Z_95 * sqrt(share * (1 - share) / count + square / (4 * count**2))
    scale = 1 + square / count
    # Where the bound is 0 or 1, rounding may leave it 1e-17 on the wrong side of the share.
    low, high = max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)
    low, high = min(low, share), max(high, share)
    return Rate(hits, count, share, low, high)


@dataclass(frozen=True)
class Bin:
    """Answers with a confidence from `low` to `high`: how sure they were, and how right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """How far confidences can be believed; lower is better.

    Attributes:
        error: Expected calibration error over `bins`, a fraction of 1.
        log_loss: Mean negative logarithm of the probability given to the truth, in nats.
        brier: Mean squared distance of the ten probabilities from the truth, 0..2.
        bins: The reliability table; bins without answers are left out.
    """

    error: float
    log_loss: float
    brier: float
    bins: list[Bin]


def calibration(probabilities: Probabilities, labels: Labels) -> Calibration:
    """Compare confidences with what came true.

    Args:
        probabilities: (N, 10), rows that sum to 1; N at least 1.
        labels: (N,) in 0..9.

    Source: Naeini, Cooper, Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian
    Binning, AAAI 2015 (the error); G. W. Brier, Verification of Forecasts, 1950.
    """
    probabilities = np.asarray(probabilities, np.float64)
    labels = np.asarray(labels)
    truth = np.eye(probabilities.shape[1])[labels]
    of_truth = np.maximum(probabilities[np.arange(len(labels)), labels], _MIN_PROBABILITY)
    bins = reliability(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)
    gaps = sum(each.count * abs(each.confidence - each.accuracy) for each in bins)
    return Calibration(
        error=gaps / len(labels),
        log_loss=float(-np.log(of_truth).mean()),
        brier=float(((probabilities - truth) ** 2).sum(axis=1).mean()),
        bins=bins,
    )


def reliability(
    confidence: Probabilities, is_right: NDArray[np.bool_], num_bins: int = NUM_BINS
) -> list[Bin]:
    """Answers in bins of equal width by (N,) `confidence`; a confidence of 1 is in the last."""
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
