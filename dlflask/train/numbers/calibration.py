"""Weights and threshold of the verdict on numbers, chosen on fields drawn from MNIST's digits.

The fields take the service's own path: an image file, lines, both networks. Some of them are harder
than most real images: their digits touch, or patterns hide their separators.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dlflask.config import Config
from dlflask.digits.classifier import Classifier
from dlflask.errors import DlflaskError
from dlflask.inference.model_file import write_thresholds
from dlflask.models import load_numbers
from dlflask.numbers.agreement import features, is_number
from dlflask.numbers.prediction import LineReading
from dlflask.numbers.reader import TRAILING
from dlflask.numbers.recogniser import NumberRecogniser
from dlflask.numbers.thresholds import Features, Thresholds
from dlflask.recogniser import read
from dlflask.train.data import load_mnist
from dlflask.train.numbers.fields.field import draw_image
from dlflask.train.numbers.fields.material import Material, Source, make_material
from dlflask.train.numbers.parts import Parts

#: Part of the drawn fields with the verdict `number` that is right, and fewest of these fields.
TARGET, FEWEST = 0.97, 100

#: Fields to draw. Their digits are chosen from MNIST digits and from digits drawn by code.
NUM_FIELDS, NUM_MNIST_DIGITS, NUM_DRAWN_DIGITS, SEED = 2_500, 3_000, 600, 77

#: Chance below which a line is `no_number` if the digit network sees other marks only.
NO_NUMBER_BELOW = 0.2

#: Penalty of the squared weights, and steps of Newton's method.
PENALTY, STEPS = 1.0, 50


@dataclass(frozen=True)
class Example:
    """One line that was read: its features, and what the verdict needs beside the probability."""

    features: Features
    is_right: bool
    may_be_number: bool


def draw_images(
    material: Material, count: int, rng: np.random.Generator
) -> Iterator[tuple[bytes, str]]:
    """Draw fields as image files, with the number that each shows."""
    for _ in range(count):
        drawn = draw_image(material, Parts(), rng)
        with BytesIO() as file:
            Image.fromarray(drawn.pixels).save(file, "PNG")
            yield file.getvalue(), drawn.label.rstrip(TRAILING)


def read_examples(
    recogniser: NumberRecogniser, images: Iterable[tuple[bytes, str]]
) -> list[Example]:
    """Read the images; those without exactly one line of digits give no example."""
    examples = []
    for upload, label in images:
        try:
            lines = read(recogniser, upload).lines
        except DlflaskError:
            continue
        examples += [_example(line, label) for line in lines if line.characters]
    return examples


def _example(line: LineReading, label: str) -> Example:
    found = features(line.strip_probability, line.characters)
    is_sure = found.agreement == 1 and is_number(line.number)
    return Example(found, line.number == label, is_sure)


def choose_thresholds(examples: list[Example], chosen_on: str) -> Thresholds:
    """Fit the weights by logistic regression, and choose the threshold for `TARGET`."""
    values = np.array([one.features for one in examples])
    is_right = np.array([one.is_right for one in examples])
    names = ("bias", *Features._fields)
    weights: dict[str, Any] = dict(zip(names, fit_rising(values, is_right).tolist(), strict=True))
    fitted = Thresholds(
        **weights, number_from=1.0, no_number_below=NO_NUMBER_BELOW, chosen_on=chosen_on
    )
    chances = np.array([fitted.probability(one.features) for one in examples])
    sure = np.array([one.may_be_number for one in examples])
    return replace(fitted, number_from=_threshold(chances[sure], is_right[sure]))


def fit_logistic(values: NDArray[np.float64], is_right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the bias and the weights of a logistic regression, by Newton's method."""
    design = np.column_stack([np.ones(len(values)), values])
    weights = np.zeros(design.shape[1])
    penalty = PENALTY * np.diag([0.0, *[1.0] * values.shape[1]])
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        slope = design.T @ (is_right - chance) - penalty @ weights
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + penalty
        weights = weights + np.linalg.solve(curvature, slope)
    return weights


def fit_rising(values: NDArray[np.float64], is_right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the bias and the weights of `fit_logistic`, without features of negative weight.

    Features that depend on each other get weights of both signs by chance. A line must not become
    less sure because a network is surer of it.
    """
    used = np.ones(values.shape[1], bool)
    while True:
        weights = np.zeros(1 + values.shape[1])
        weights[np.concatenate(([True], used))] = fit_logistic(values[:, used], is_right)
        if weights[1:].min() >= 0:
            return weights
        used[weights[1:].argmin()] = False


def _threshold(chances: NDArray[np.float64], is_right: NDArray[np.bool_]) -> float:
    """Return the least chance from which `TARGET` of the lines are right; 1 if there is none."""
    order = np.argsort(-chances)
    share = np.cumsum(is_right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(share >= TARGET)
    # With fewer lines, chance would decide.
    return float(chances[order[good[-1]]]) if len(good) and good[-1] >= FEWEST else 1.0


def main(arguments: list[str]) -> int:
    """Choose the thresholds of a model and store them in its file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="the number model, an .h5 file")
    parser.add_argument("--data", metavar="FILE", help="an mnist.npz in Keras's layout")
    parser.add_argument(
        "--fields", type=int, default=NUM_FIELDS, help="fields to draw (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    config = replace(Config.from_environment(), number_model_path=options.model)
    recogniser = load_numbers(config, Classifier(config.model_path))
    recogniser.setup()
    data = load_mnist(options.data)
    images, labels = data.x_validation[:NUM_MNIST_DIGITS], data.y_validation[:NUM_MNIST_DIGITS]
    with ThreadPoolExecutor(1) as executor:
        material = make_material(Source(images, labels, []), SEED, executor, NUM_DRAWN_DIGITS)
    drawn = draw_images(material, options.fields, np.random.default_rng(SEED))
    chosen_on = f"{options.fields:,} fields drawn from validation digits of MNIST"
    thresholds = choose_thresholds(read_examples(recogniser, drawn), chosen_on)
    write_thresholds(options.model, thresholds.to_json())
    sys.stdout.write(f"{thresholds.to_json()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
