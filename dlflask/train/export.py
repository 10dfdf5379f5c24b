"""Export of a trained network: calibrate it, save it with its thresholds, write its model card."""

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
    """MNIST and, if there are any, development images. Its test digits are not used for choices."""

    data: Mnist
    digits: ImageSet | None = None
    non_digits: ImageSet | None = None


@dataclass(frozen=True)
class Run:
    """Recipe, validation accuracies and duration of a training run."""

    recipe: Recipe
    validation_by_seed: dict[str, float]
    seconds: float


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
    """Save model, thresholds and golden digits to `path` and load the model again."""
    model.save(path, include_optimizer=False)
    write_thresholds(path, thresholds.to_json())
    store_golden(path)
    saved: keras.Model = keras.models.load_model(path, compile=False)
    return saved


def build_model_card(path: Path, development: Development, run: Run) -> ModelCard:
    """Score the model file at `path` and describe it."""
    model = keras.models.load_model(path, compile=False)
    data = development.data
    stored = read_thresholds(path)
    if stored is None:
        raise ValueError(f"{path} lacks thresholds; save it with dlflask.train.export.save.")
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
    """Return the share of each source that is called a digit; images with errors are not."""
    drawn = predict(model, held_back_negatives())
    rates = rate_called_digit(
        drawn, thresholds, np.full(len(drawn), "drawn by code (not in training)")
    )
    if images is None:
        return rates
    of_images = rate_called_digit(predict(model, images.tensors), thresholds, images.sources)
    for source, refused in images.refused.items():
        accepted = int(np.sum(images.sources == source))
        of_images[source] = of_images.get(source, 0.0) * accepted / (accepted + refused)
    return rates | of_images
