"""Scores of a trained digit network on digits and non-digits that were not used for training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from dlflask.digits.thresholds import Thresholds
from dlflask.evaluate.metrics import calibration
from dlflask.train.augmentation.augment import augment_fields, augment_images
from dlflask.train.calibration.temperature_scaling import digit_probabilities
from dlflask.train.data import Images, Labels
from dlflask.train.synthesis.skeletonize import distance_fields, enlarge, thin
from dlflask.train.synthesis.synthetic_negatives import draw_negatives

Tensors = NDArray[np.float32]

#: Seed of the held-back images, on which the model is scored. Training uses other seeds.
_SEED = 20_240
#: Number of held-back non-digits. They are of the same kinds as the non-digits in training.
NUM_HELD_BACK_NEGATIVES = 2_000


@dataclass(frozen=True)
class Score:
    """Scores on a set of labelled images. All scores are in 0..1.

    Attributes:
        count: Number of images.
        accuracy: Share of the images that were read right.
        macro_accuracy: Mean of the accuracies on the sources. Each source has the same weight.
        calibration_error: Expected calibration error, as `calibration` computes it.
        digit: Share of the images with the verdict `digit`.
    """

    count: int
    accuracy: float
    macro_accuracy: float
    calibration_error: float
    digit: float


def predict(model: keras.Model, tensors: Tensors) -> Tensors:
    """Return the (N, 11) probabilities for (N, 28, 28) tensors."""
    probabilities: Tensors = model.predict(tensors[..., None], batch_size=1_000, verbose=0)
    return probabilities


def to_tensors(images: Images) -> Tensors:
    """Scale MNIST's bytes to float32 in 0..1."""
    return images.astype(np.float32) / np.float32(255)


def held_back_digits(images: Images, labels: Labels) -> tuple[Tensors, Labels]:
    """Return all validation digits three times: unchanged, augmented, and redrawn with a pen.

    Returns:
        (3 N, 28, 28) tensors, which resemble the digits that people send, and (3 N,) labels.
    """
    rng = np.random.default_rng(_SEED)
    fields = distance_fields(thin(enlarge(images)))
    tensors = [to_tensors(images), augment_images(images, rng), augment_fields(fields, rng)]
    return np.concatenate(tensors), np.concatenate([labels, labels, labels])


def held_back_negatives() -> Tensors:
    """Return non-digits of the same kinds as in training, but drawn with another seed."""
    rng = np.random.default_rng(_SEED + 1)
    return augment_fields(draw_negatives(NUM_HELD_BACK_NEGATIVES, rng), rng)


def score(
    probabilities: Tensors,
    labels: NDArray[np.integer],
    thresholds: Thresholds,
    sources: Iterable[str] | None = None,
) -> Score:
    """Compare (N, 11) `probabilities` with (N,) `labels`.

    `sources` names the source of each image. By default, all images are of the same source.
    """
    of_digits = digit_probabilities(probabilities)
    correct = of_digits.argmax(axis=1) == labels
    names = np.array(list(sources)) if sources is not None else np.zeros(len(labels), "U1")
    by_source = [correct[names == name].mean() for name in np.unique(names)]
    return Score(
        count=len(labels),
        accuracy=float(correct.mean()),
        macro_accuracy=float(np.mean(by_source)),
        calibration_error=calibration(of_digits, labels).error,
        digit=float(np.mean(thresholds.decide_batch(probabilities) == "digit")),
    )


def rate_called_digit(
    probabilities: Tensors, thresholds: Thresholds, sources: NDArray[np.str_]
) -> dict[str, float]:
    """Return the share of each source's non-digits that get the verdict `digit`."""
    is_called_digit = thresholds.decide_batch(probabilities) == "digit"
    return {
        str(name): float(is_called_digit[sources == name].mean()) for name in np.unique(sources)
    }
