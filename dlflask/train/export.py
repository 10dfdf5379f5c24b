"""Export of a trained digit network: calibrate it, save it, and write its model card."""

from __future__ import annotations

import hashlib
import os
import platform
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from dlflask.digits.thresholds import Thresholds
from dlflask.inference.model_file import read_thresholds, write_thresholds
from dlflask.train.calibration.images import ImageSet
from dlflask.train.calibration.temperature_scaling import fit_temperature, scale_logits
from dlflask.train.calibration.thresholds import choose_thresholds
from dlflask.train.data import Mnist
from dlflask.train.golden import store_golden
from dlflask.train.model_card import ModelCard
from dlflask.train.network import count_multiply_adds, describe
from dlflask.train.recipe import Recipe
from dlflask.train.scoring import (
    Score,
    held_back_digits,
    held_back_negatives,
    predict,
    rate_called_digit,
    score,
    to_tensors,
)


@dataclass(frozen=True)
class Development:
    """MNIST, and optionally development images, which are not used for training.

    Attributes:
        data: MNIST.
        digits: Images of digits, on which the thresholds are chosen. If there are none, the
            thresholds are chosen on augmented validation digits.
        non_digits: Images without a digit, for the model card only.
    """

    data: Mnist
    digits: ImageSet | None = None
    non_digits: ImageSet | None = None


@dataclass(frozen=True)
class Run:
    """Recipe of a training run, its validation accuracy with each seed, and its duration.

    `further` is for the model card: see `ModelCard`.
    """

    recipe: Recipe
    validation_by_seed: dict[str, float]
    seconds: float
    further: str = ""


def calibrate(model: keras.Model, development: Development) -> Thresholds:
    """Apply the best temperature to `model` in place and choose its thresholds."""
    data = development.data
    tensors, labels = held_back_digits(data.x_validation, data.y_validation)
    temperature = fit_temperature(predict(model, tensors), labels)
    scale_logits(model, temperature)
    if development.digits is None:
        return choose_thresholds(
            predict(model, tensors), temperature, f"{len(labels):,} augmented validation digits"
        )
    images = development.digits.tensors
    return choose_thresholds(
        predict(model, images), temperature, f"{len(images):,} development images"
    )


def save(model: keras.Model, thresholds: Thresholds, path: Path) -> keras.Model:
    """Save the model with its thresholds and golden digits to `path`, and load it again.

    Golden digits are sample images and the outputs for them, for the service's self-test.
    """
    model.save(path, include_optimizer=False)
    write_thresholds(path, thresholds.to_json())
    store_golden(path)
    saved: keras.Model = keras.models.load_model(path, compile=False)
    return saved


def build_model_card(path: Path, development: Development, run: Run) -> ModelCard:
    """Score the model in the file `path` and return its model card."""
    model = keras.models.load_model(path, compile=False)
    data = development.data
    stored = read_thresholds(path)
    if stored is None:
        raise ValueError(
            f"{path} does not contain thresholds. Save the model with dlflask.train.export.save."
        )
    thresholds = Thresholds.from_json(stored)
    return ModelCard(
        network=describe(model),
        num_parameters=model.count_params(),
        num_multiply_adds=count_multiply_adds(model),
        file_bytes=path.stat().st_size,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        num_train=len(data.x_train),
        validation_by_seed=run.validation_by_seed,
        validation=score(
            predict(model, to_tensors(data.x_validation)), data.y_validation, thresholds
        ),
        test=score(predict(model, to_tensors(data.x_test)), data.y_test, thresholds),
        images=_score_images(model, thresholds, development.digits),
        non_digits_called_digit=_rate_non_digits(model, thresholds, development.non_digits),
        thresholds=thresholds,
        epochs=run.recipe.epochs,
        cycles=run.recipe.cycles,
        fine_tunings=[tuning.epochs for tuning in run.recipe.to_fine_tunings()],
        seed=run.recipe.seed,
        precision=run.recipe.precision,
        seconds=run.seconds,
        further=run.further,
        environment=f"{os.cpu_count()} x {platform.machine()} cores, Keras {keras.__version__} "
        f"on {keras.backend.backend()}",
    )


def _score_images(
    model: keras.Model, thresholds: Thresholds, images: ImageSet | None
) -> Score | None:
    if images is None:
        return None
    return score(predict(model, images.tensors), images.labels, thresholds, images.sources)


def _rate_non_digits(
    model: keras.Model, thresholds: Thresholds, images: ImageSet | None
) -> dict[str, float]:
    """Return the share of each source's non-digits that get the verdict `digit`.

    Images that cause an error are part of the total, but do not have this verdict.
    """
    outputs = predict(model, held_back_negatives())
    rates = rate_called_digit(
        outputs, thresholds, np.full(len(outputs), "drawn by code and not used for training")
    )
    if images is None:
        return rates
    rates_of_images = rate_called_digit(predict(model, images.tensors), thresholds, images.sources)
    for source, refused in images.refused.items():
        accepted = int(np.sum(images.sources == source))
        rates_of_images[source] = rates_of_images.get(source, 0.0) * accepted / (accepted + refused)
    return rates | rates_of_images
