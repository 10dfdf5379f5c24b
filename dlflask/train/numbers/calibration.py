"""Use fields drawn by code to choose the weights and the threshold of the verdict on numbers.

A field is an image of a number. It is drawn from images of single digits that were not used for
training. It is read as the service reads an image: the image file is decoded, its lines are found,
and both networks read them. The digits should be as varied as those of users. With MNIST's digits,
which are easier to read, the networks look more reliable than they are.
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
from dlflask.evaluate.dataset import find_digits
from dlflask.inference.model_file import write_thresholds
from dlflask.models import load_numbers
from dlflask.numbers.combination import features, is_number
from dlflask.numbers.prediction import NumberResult
from dlflask.numbers.reader import TRAILING
from dlflask.numbers.recogniser import NumberRecogniser
from dlflask.numbers.thresholds import Features, Thresholds
from dlflask.recogniser import read
from dlflask.train.calibration.images import read_images
from dlflask.train.data import Images, Labels, load_mnist
from dlflask.train.numbers.fields.field import draw_image
from dlflask.train.numbers.fields.material import Material, Source, make_material
from dlflask.train.numbers.parts import Parts

#: Minimum share of right readings among the images with the verdict `number`, and minimum number of
#: such images. With fewer images, the share would depend too much on chance. Fields are harder than
#: images of users: of real numbers with this verdict, about 97 % are right.
TARGET, FEWEST = 0.96, 100

#: Number of fields to draw, and their material: number of MNIST digits, number of digits drawn by
#: code, and seed.
NUM_FIELDS, NUM_MNIST_DIGITS, NUM_DRAWN_DIGITS, SEED = 2_500, 3_000, 600, 77

#: The verdict is `no_number` if the probability of a right reading is below this value, the number
#: network is almost certain of no digit, and the digit network sees no digit.
NO_NUMBER_BELOW = 0.2

#: Factor of the penalty on squared weights, and number of steps of Newton's method.
PENALTY, STEPS = 1.0, 50


@dataclass(frozen=True)
class Example:
    """One image in which a number was found.

    Attributes:
        features: Features from which the probability of a right reading is computed. If several
            lines were found, they are those of the line with the lowest confidence.
        is_right: True if the image was read right.
        may_be_number: True if the verdict can be `number`: the text of the line is a number.
    """

    features: Features
    is_right: bool
    may_be_number: bool


def draw_images(
    material: Material, count: int, rng: np.random.Generator
) -> Iterator[tuple[bytes, str]]:
    """Draw fields. Yield each field as a PNG file, with the number that it shows."""
    for _ in range(count):
        drawn = draw_image(material, Parts(), rng)
        with BytesIO() as file:
            Image.fromarray(drawn.pixels).save(file, "PNG")
            yield file.getvalue(), drawn.label.rstrip(TRAILING)


def read_examples(
    recogniser: NumberRecogniser, images: Iterable[tuple[bytes, str]]
) -> list[Example]:
    """Read the images and return an example for each image in which a number was found.

    An image that causes an error is left out.
    """
    examples = []
    for upload, label in images:
        try:
            result = read(recogniser, upload)
        except DlflaskError:
            continue
        if result.label:
            examples.append(_example(result, label))
    return examples


def _example(result: NumberResult, label: str) -> Example:
    # The confidence of an image is the lowest confidence of its lines.
    found = [line for line in result.lines if line.number]
    line = min(found, key=lambda one: one.confidence)
    line_features = features(line.strip_probability, line.characters)
    return Example(line_features, result.label == label, is_number(line.number))


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
    return replace(fitted, number_from=_find_threshold(chances[sure], is_right[sure]))


def fit_logistic(values: NDArray[np.float64], is_right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the bias and the weights of a logistic regression, fitted by Newton's method."""
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
    """Fit like `fit_logistic`, but leave out features that would get a negative weight.

    A weight can become negative by chance if features depend on each other. With a negative weight,
    a line would get a lower probability because a network is more certain of it. The weight of a
    feature that is left out is 0.
    """
    used = np.ones(values.shape[1], bool)
    while True:
        weights = np.zeros(1 + values.shape[1])
        weights[np.concatenate(([True], used))] = fit_logistic(values[:, used], is_right)
        if weights[1:].min() >= 0:
            return weights
        used[weights[1:].argmin()] = False


def _find_threshold(chances: NDArray[np.float64], is_right: NDArray[np.bool_]) -> float:
    """Return the minimum probability for the verdict `number`.

    At least `TARGET` of the images with this probability or a higher one are right. If there are
    too few such images, return 1.
    """
    order = np.argsort(-chances)
    share = np.cumsum(is_right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(share >= TARGET)
    return float(chances[order[good[-1]]]) if len(good) and good[-1] >= FEWEST else 1.0


def main(arguments: list[str]) -> int:
    """Choose the weights and the threshold for a model and store them in the model's file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="number model, an .h5 file")
    parser.add_argument(
        "--images",
        type=Path,
        metavar="FOLDER",
        help="images of digits, LABEL/FILE or SOURCE/LABEL/FILE, from which the fields are drawn "
        "(default: validation digits of MNIST)",
    )
    parser.add_argument("--data", metavar="FILE", help="MNIST as an mnist.npz in Keras's layout")
    parser.add_argument(
        "--fields",
        type=int,
        default=NUM_FIELDS,
        help="number of fields to draw (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    config = replace(Config.from_environment(), number_model_path=options.model)
    recogniser = load_numbers(config, Classifier(config.model_path))
    recogniser.setup()
    try:
        images, labels, kind = _read_digits(options.images, options.data)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    with ThreadPoolExecutor(1) as executor:
        material = make_material(Source(images, labels, []), SEED, executor, NUM_DRAWN_DIGITS)
    drawn = draw_images(material, options.fields, np.random.default_rng(SEED))
    chosen_on = f"{options.fields:,} fields drawn from {len(images):,} {kind}"
    thresholds = choose_thresholds(read_examples(recogniser, drawn), chosen_on)
    write_thresholds(options.model, thresholds.to_json())
    sys.stdout.write(f"{thresholds.to_json()}\n")
    return 0


def _read_digits(folder: Path | None, mnist: str | None) -> tuple[Images, Labels, str]:
    """Return (N, 28, 28) uint8 images of digits, their (N,) uint8 labels, and a name for them."""
    if folder is None:
        data = load_mnist(mnist)
        images, labels = data.x_validation, data.y_validation
        return images[:NUM_MNIST_DIGITS], labels[:NUM_MNIST_DIGITS], "validation digits of MNIST"
    found = read_images(find_digits(folder).images)
    images = np.rint(found.tensors * 255).astype(np.uint8)
    return images, found.labels.astype(np.uint8), "development images of digits"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
