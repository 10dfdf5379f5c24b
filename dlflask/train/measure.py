"""What a finished model does on held-back digits, on pictures, and on what is no digit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from dlflask.evaluate.metrics import calibration
from dlflask.train.augment import augment_fields, augment_images
from dlflask.train.calibrate import digit_probabilities
from dlflask.train.data import Images, Labels
from dlflask.train.negatives import draw_negatives
from dlflask.train.skeleton import distance_fields, enlarge, thin
from dlflask.verdict import Thresholds

Tensors = NDArray[np.float32]

#: Seeds of what is held back; training draws from other streams.
_SEED = 20_240
#: Non-digits drawn to see how many of a kind like those of training are taken for digits.
NUM_HELD_BACK_NEGATIVES = 2_000


@dataclass(frozen=True)
class Score:
    """Of one labelled set. Fractions of 1; `digit` is how many were called that."""

    count: int
    accuracy: float
    macro_accuracy: float
    calibration_error: float
    digit: float


def predict(model: keras.Model, tensors: Tensors) -> Tensors:
    """(N, 28, 28) to (N, 11) probabilities."""
    probabilities: Tensors = model.predict(tensors[..., None], batch_size=1_000, verbose=0)
    return probabilities


def to_tensors(images: Images) -> Tensors:
    """MNIST's bytes as float32 in 0..1."""
    return images.astype(np.float32) / np.float32(255)


def held_back_digits(images: Images, labels: Labels) -> tuple[Tensors, Labels]:
    """Validation digits as people send them: a third as they are, the rest augmented both ways.

    Returns:
        (3 N, 28, 28) tensors and (3 N,) labels.
    """
    rng = np.random.default_rng(_SEED)
    fields = distance_fields(thin(enlarge(images)))
    tensors = [to_tensors(images), augment_images(images, rng), augment_fields(fields, rng)]
    return np.concatenate(tensors), np.concatenate([labels, labels, labels])


def held_back_negatives() -> Tensors:
    """Non-digits of the kinds that training draws, but other ones."""
    rng = np.random.default_rng(_SEED + 1)
    return augment_fields(draw_negatives(NUM_HELD_BACK_NEGATIVES, rng), rng)


def score(
    probabilities: Tensors,
    labels: NDArray[np.integer],
    thresholds: Thresholds,
    sources: Iterable[str] | None = None,
) -> Score:
    """Compare (N, 11) `probabilities` with `labels`; the macro accuracy is over `sources`."""
    digits = digit_probabilities(probabilities)
    correct = digits.argmax(axis=1) == labels
    names = np.array(list(sources)) if sources is not None else np.zeros(len(labels), "U1")
    by_source = [correct[names == name].mean() for name in np.unique(names)]
    return Score(
        count=len(labels),
        accuracy=float(correct.mean()),
        macro_accuracy=float(np.mean(by_source)),
        calibration_error=calibration(digits, labels).error,
        digit=float(np.mean(thresholds.judge(probabilities) == "digit")),
    )


def rate_called_digit(
    probabilities: Tensors, thresholds: Thresholds, sources: NDArray[np.str_]
) -> dict[str, float]:
    """Of each source of non-digits, the part that is called `digit`."""
    called = thresholds.judge(probabilities) == "digit"
    return {str(name): float(called[sources == name].mean()) for name in np.unique(sources)}
