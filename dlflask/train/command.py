"""`python -m dlflask.train`: train the digit network mnist_model.h5 and write its model card."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # This hides the messages of TensorFlow's start.

import keras
import numpy as np

from dlflask.errors import DlflaskError
from dlflask.evaluate.dataset import find_digits, find_non_digits
from dlflask.train.calibration.images import read_images
from dlflask.train.calibration.temperature_scaling import digit_probabilities
from dlflask.train.data import MNIST_VARIABLE, Mnist, load_mnist
from dlflask.train.export import Development, Run, build_model_card, calibrate, save
from dlflask.train.further_images import NUM_FIELDS, add_further_images
from dlflask.train.network import NUM_CLASSES, give_own_layers
from dlflask.train.recipe import Recipe
from dlflask.train.scoring import predict, to_tensors
from dlflask.train.trainer import continue_training, train
from dlflask.train.training_pool import TrainingPool, make_training_pool

#: Defaults of --output: without --fast, and with --fast. A model trained with --fast is not good
#: enough for the service, so it must not replace mnist_model.h5.
OUTPUT, FAST_OUTPUT = Path("mnist_model.h5"), Path("build/fast.h5")

#: Settings of --fast, which only checks that training works.
FAST_EPOCHS, FAST_CYCLES, FAST_FINE_TUNINGS = 4, 1, 2
#: Number of training digits with --fast, and of fields from which digits are cut.
FAST_DIGITS, FAST_FIELDS = 4_096, 50

#: Default number of epochs, learning rate and number of fine-tunings with --from.
CONTINUED_EPOCHS, CONTINUED_RATE, CONTINUED_FINE_TUNINGS = 4, 1e-3, 3


def main(argv: list[str] | None = None) -> int:
    """Train with each seed, then calibrate and save the model with the best validation accuracy."""
    options = _parser().parse_args(argv)
    output: Path = options.output or (FAST_OUTPUT if options.fast else OUTPUT)
    try:
        development = _read_data(options)
        recipe = _recipe(options)
        start = _load_model(options.start) if options.start else None
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    started = time.monotonic()
    try:
        pool = _make_pool(development.data, options)
    except (OSError, DlflaskError) as error:
        print(error, file=sys.stderr)
        return 1
    model, recipe, by_seed = _train(pool, development.data, recipe, options, start)
    run = Run(recipe, by_seed, time.monotonic() - started, _describe_further(pool, recipe))
    output.parent.mkdir(parents=True, exist_ok=True)
    save(model, calibrate(model, development), output)
    card = build_model_card(output, development, run)
    card.write(output.with_suffix(".json"))
    _remove_checkpoints(recipe, options.seeds, options.checkpoints)
    print(card.to_markdown())
    print(f"wrote {output} and {output.with_suffix('.json')}")
    return 0


def _read_data(options: argparse.Namespace) -> Development:
    data = load_mnist(options.data)
    return Development(
        data.head(FAST_DIGITS) if options.fast else data,
        read_images(find_digits(options.images).images) if options.images else None,
        read_images(find_non_digits(options.non_digits)) if options.non_digits else None,
    )


def _recipe(options: argparse.Namespace) -> Recipe:
    start: Path | None = options.start
    epochs = options.epochs or (CONTINUED_EPOCHS if start else Recipe.epochs)
    recipe = Recipe(epochs=epochs, precision=options.precision)
    if options.fast:
        recipe = replace(
            recipe, epochs=FAST_EPOCHS, cycles=FAST_CYCLES, fine_tunings=FAST_FINE_TUNINGS
        )
    if not start:
        return recipe
    return replace(
        recipe,
        learning_rate=CONTINUED_RATE,
        epochs=1 if options.fast else epochs,
        cycles=0,
        fine_tunings=FAST_FINE_TUNINGS if options.fast else CONTINUED_FINE_TUNINGS,
        start=hashlib.sha256(start.read_bytes()).hexdigest(),
    )


def _load_model(path: Path) -> keras.Model:
    model: keras.Model = keras.models.load_model(path, compile=False)
    expected = f"expected a digit model of `make train`, with {NUM_CLASSES} outputs."
    if model.output_shape != (None, NUM_CLASSES):
        raise ValueError(f"{path} has outputs of shape {model.output_shape}; {expected}")
    try:
        return give_own_layers(model)
    except ValueError as error:
        raise ValueError(f"{path} cannot be trained further: {error}; {expected}") from error


def _make_pool(data: Mnist, options: argparse.Namespace) -> TrainingPool:
    print(f"Drawing training images to add to {len(data.x_train):,} MNIST digits", flush=True)
    pool = make_training_pool(data.x_train, data.y_train)
    if not options.start:
        return pool
    num_fields = FAST_FIELDS if options.fast else NUM_FIELDS
    print(f"Cutting digits from {num_fields:,} drawn numbers", flush=True)
    folder = options.checkpoints / "further_images"
    return add_further_images(
        pool, data, options.unipen, options.number_model, folder, num_fields=num_fields
    )


def _describe_further(pool: TrainingPool, recipe: Recipe) -> str:
    if not recipe.start:
        return ""
    return (
        f'; "not a digit" continued from the model `{recipe.start[:12]}...` with '
        f"{pool.num_letters:,} letters and {pool.num_written:,} digits of UNIPEN, "
        f"{len(pool.cut):,} digits cut from drawn numbers, and characters of other scripts"
    )


def _train(
    pool: TrainingPool,
    data: Mnist,
    recipe: Recipe,
    options: argparse.Namespace,
    start: keras.Model | None,
) -> tuple[keras.Model, Recipe, dict[str, float]]:
    """Train with each seed.

    Returns:
        The model with the best validation accuracy, its recipe, and the accuracy with each seed.
    """
    by_seed, models = {}, {}
    checkpoints: Path = options.checkpoints
    for seed in options.seeds:
        verbose = 1 if sys.stdout.isatty() else 2
        seeded = replace(recipe, seed=seed)
        models[seed] = (
            train(pool, data, seeded, checkpoints, verbose=verbose)
            if start is None
            else continue_training(pool, data, seeded, checkpoints, start=start, verbose=verbose)
        )
        digits = digit_probabilities(predict(models[seed], to_tensors(data.x_validation)))
        by_seed[seed] = float(np.mean(digits.argmax(axis=1) == data.y_validation))
    best = max(by_seed, key=by_seed.__getitem__)
    named = {str(seed): accuracy for seed, accuracy in by_seed.items()}
    return models[best], replace(recipe, seed=best), named


def _remove_checkpoints(recipe: Recipe, seeds: list[int], checkpoints: Path) -> None:
    """Remove the folders of this run, but not the folders of other runs in `checkpoints`."""
    for seed in seeds:
        for part in replace(recipe, seed=seed).to_parts():
            shutil.rmtree(checkpoints / part.name)
    shutil.rmtree(checkpoints / "further_images", ignore_errors=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dlflask.train",
        description=f"{__doc__} For the number network, see `python -m dlflask.train numbers -h`.",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help=f"model file to write; the model card gets the same name, but with .json "
        f"(default: {OUTPUT}, with --fast {FAST_OUTPUT})",
    )
    parser.add_argument(
        "--epochs",
        type=int,
        help="epochs of each training cycle, without its fine-tunings (default: "
        f"{Recipe.epochs}, with --from {CONTINUED_EPOCHS})",
    )
    parser.add_argument(
        "--from",
        dest="start",
        type=Path,
        metavar="MODEL",
        help='digit model whose output "not a digit" is trained further, with layers of its own; '
        "digits are read as before (default: train a new model, from random weights)",
    )
    parser.add_argument(
        "--unipen",
        type=Path,
        metavar="FOLDER",
        help="with --from: folder of UNIPEN's release train_r01_v07 "
        "(doi.org/10.5281/zenodo.1195803), whose digits and letters are also used (default: none)",
    )
    parser.add_argument(
        "--number-model",
        type=Path,
        default=Path("number_model.h5"),
        metavar="MODEL",
        help="with --from: number model that finds the digits to cut (default: %(default)s)",
    )
    parser.add_argument(
        "--seeds",
        type=int,
        nargs="+",
        default=[Recipe.seed],
        help="train once with each seed and keep the model with the best validation accuracy "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "mixed_bfloat16"),
        default=Recipe.precision,
        help="mixed_bfloat16 may be faster on a processor with bfloat16 (default: %(default)s)",
    )
    parser.add_argument(
        "--data",
        metavar="FILE",
        help=f"MNIST as an mnist.npz in Keras's layout (default: the file that the environment "
        f"variable {MNIST_VARIABLE} names; if it is not set, MNIST is downloaded)",
    )
    parser.add_argument(
        "--images",
        type=Path,
        metavar="FOLDER",
        help="images of digits, LABEL/FILE or SOURCE/LABEL/FILE, on which the thresholds are "
        "chosen (default: they are chosen on augmented validation digits)",
    )
    parser.add_argument(
        "--non-digits",
        type=Path,
        metavar="FOLDER",
        help="images without a digit, SOURCE/FILE, for the model card; not used for training "
        "(default: none)",
    )
    parser.add_argument(
        "--checkpoints",
        type=Path,
        default=Path("build/train"),
        metavar="FOLDER",
        help="checkpoints, from which an interrupted run resumes; they are removed at the end "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--fast",
        action="store_true",
        help=f"train for {FAST_EPOCHS} epochs on {FAST_DIGITS:,} digits, to check that training "
        "works",
    )
    return parser
