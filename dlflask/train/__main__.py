"""`python -m dlflask.train`: make `mnist_model.h5` and its report again."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's start-up notices

import keras
import numpy as np

from dlflask.train.calibration.pictures import read_pictures
from dlflask.train.calibration.temperature_scaling import digit_probabilities
from dlflask.train.data import MNIST_VARIABLE, Mnist, load_mnist
from dlflask.train.export import Development, Run, build_model_card, calibrate, save
from dlflask.train.fuse_layers import fuse_layers
from dlflask.train.recipe import Recipe
from dlflask.train.scoring import predict, to_tensors
from dlflask.train.trainer import train
from dlflask.train.training_pool import make_training_pool

#: A fast run shows that everything works; its model is not one to serve.
FAST_EPOCHS, FAST_CYCLES, FAST_FINE_TUNINGS = 4, 2, 2
FAST_DIGITS = 4_096


def main(argv: list[str] | None = None) -> int:
    """Train once for each seed, keep the best by validation, calibrate, save, measure, report."""
    options = _parser().parse_args(argv)
    data = load_mnist(options.data)
    recipe = Recipe(epochs=options.epochs, precision=options.precision)
    if options.fast:
        data = data.head(FAST_DIGITS)
        recipe = replace(
            recipe, epochs=FAST_EPOCHS, cycles=FAST_CYCLES, fine_tunings=FAST_FINE_TUNINGS
        )
    development = Development(
        data,
        read_pictures(options.pictures) if options.pictures else None,
        read_pictures(options.non_digits) if options.non_digits else None,
    )
    started = time.monotonic()
    model, recipe, by_seed = _train(data, recipe, options.seeds, options.checkpoints)
    run = Run(recipe, by_seed, time.monotonic() - started)
    model = fuse_layers(model)
    save(model, calibrate(model, development), options.output)
    report = build_model_card(options.output, development, run)
    report.write(options.output.with_suffix(".json"))
    for seed in options.seeds:
        of_seed = replace(recipe, seed=seed)
        for cycle in of_seed.to_cycles():
            # Only what this run made: the folder may hold other things.
            for made in (cycle, *cycle.to_fine_tunings()):
                shutil.rmtree(options.checkpoints / made.name)
    print(report.to_markdown())
    return 0


def _train(
    data: Mnist, recipe: Recipe, seeds: list[int], checkpoints: Path
) -> tuple[keras.Model, Recipe, dict[str, float]]:
    """The model of the seed that validates best, its recipe, and every seed's accuracy."""
    print(f"Drawing what {len(data.x_train):,} digits are trained with", flush=True)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dlflask.train", description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("mnist_model.h5"), metavar="FILE")
    parser.add_argument("--epochs", type=int, default=Recipe.epochs)
    parser.add_argument(
        "--seeds",
        type=int,
        nargs="+",
        default=[Recipe.seed],
        help="train once for each and keep the best by validation (default: %(default)s)",
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "mixed_bfloat16"),
        default=Recipe.precision,
        help="mixed_bfloat16 may be faster where the processor has bfloat16 instructions",
    )
    parser.add_argument(
        "--data",
        metavar="FILE",
        help=f"an mnist.npz in Keras's layout; default: {MNIST_VARIABLE}, else it is downloaded",
    )
    parser.add_argument(
        "--pictures",
        type=Path,
        metavar="FOLDER",
        help="SOURCE/.../LABEL/FILE pictures of digits that choose the thresholds",
    )
    parser.add_argument(
        "--non-digits",
        type=Path,
        metavar="FOLDER",
        help="SOURCE/FILE pictures of what is no digit, to report on; never trained on",
    )
    parser.add_argument(
        "--checkpoints",
        type=Path,
        default=Path("build/train"),
        metavar="FOLDER",
        help="where an interrupted run resumes from; removed at the end (default: %(default)s)",
    )
    parser.add_argument(
        "--fast",
        action="store_true",
        help=f"{FAST_EPOCHS} epochs on {FAST_DIGITS:,} digits: a check that training works",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
