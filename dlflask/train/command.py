"""`python -m dlflask.train`: train the digit network mnist_model.h5 and write its model card."""

from __future__ import annotations

import argparse
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

from dlflask.evaluate.dataset import find_digits, find_non_digits
from dlflask.train.calibration.images import read_images
from dlflask.train.calibration.temperature_scaling import digit_probabilities
from dlflask.train.data import MNIST_VARIABLE, Mnist, load_mnist
from dlflask.train.export import Development, Run, build_model_card, calibrate, save
from dlflask.train.recipe import Recipe
from dlflask.train.scoring import predict, to_tensors
from dlflask.train.trainer import train
from dlflask.train.training_pool import make_training_pool

#: Defaults of --output: without --fast, and with --fast. A model trained with --fast is not good
#: enough for the service, so it must not replace mnist_model.h5.
OUTPUT, FAST_OUTPUT = Path("mnist_model.h5"), Path("build/fast.h5")

#: Settings of --fast, which only checks that training works.
FAST_EPOCHS, FAST_CYCLES, FAST_FINE_TUNINGS = 4, 1, 2
#: Number of training digits with --fast.
FAST_DIGITS = 4_096


def main(argv: list[str] | None = None) -> int:
    """Train with each seed, then calibrate and save the model with the best validation accuracy."""
    options = _parser().parse_args(argv)
    output: Path = options.output or (FAST_OUTPUT if options.fast else OUTPUT)
    recipe = Recipe(epochs=options.epochs, precision=options.precision)
    try:
        development = _read_data(options)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    data = development.data
    if options.fast:
        recipe = replace(
            recipe, epochs=FAST_EPOCHS, cycles=FAST_CYCLES, fine_tunings=FAST_FINE_TUNINGS
        )
    started = time.monotonic()
    model, recipe, by_seed = _train(data, recipe, options.seeds, options.checkpoints)
    run = Run(recipe, by_seed, time.monotonic() - started)
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


def _train(
    data: Mnist, recipe: Recipe, seeds: list[int], checkpoints: Path
) -> tuple[keras.Model, Recipe, dict[str, float]]:
    """Train with each seed.

    Returns:
        The model with the best validation accuracy, its recipe, and the accuracy with each seed.
    """
    print(f"Drawing training images to add to {len(data.x_train):,} MNIST digits", flush=True)
    pool = make_training_pool(data.x_train, data.y_train)
    by_seed, models = {}, {}
    for seed in seeds:
        verbose = 1 if sys.stdout.isatty() else 2
        models[seed] = train(pool, data, replace(recipe, seed=seed), checkpoints, verbose=verbose)
        digits = digit_probabilities(predict(models[seed], to_tensors(data.x_validation)))
        by_seed[seed] = float(np.mean(digits.argmax(axis=1) == data.y_validation))
    best = max(by_seed, key=by_seed.__getitem__)
    named = {str(seed): accuracy for seed, accuracy in by_seed.items()}
    return models[best], replace(recipe, seed=best), named


def _remove_checkpoints(recipe: Recipe, seeds: list[int], checkpoints: Path) -> None:
    """Remove the folders of this run, but not the folders of other runs in `checkpoints`."""
    for seed in seeds:
        for cycle in replace(recipe, seed=seed).to_cycles():
            for part in (cycle, *cycle.to_fine_tunings()):
                shutil.rmtree(checkpoints / part.name)


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
        default=Recipe.epochs,
        help="epochs of each training cycle, without its fine-tunings (default: %(default)s)",
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
