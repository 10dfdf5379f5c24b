"""`python -m dlflask.train`: make `mnist_model.h5` and its report again."""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import sys
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's start-up notices

import keras
import numpy as np

from dlflask.train.data import MNIST_VARIABLE, Images, Labels, Mnist, load_mnist
from dlflask.train.fit import Recipe, fit
from dlflask.train.network import count_multiply_adds
from dlflask.train.report import Report

#: A fast run shows that everything works; its model is not one to serve.
FAST_EPOCHS = 1
FAST_DIGITS = 2_048


def main(argv: list[str] | None = None) -> int:
    """Train, save, read back, measure, report."""
    options = _parser().parse_args(argv)
    data = load_mnist(options.data)
    epochs = options.epochs
    if options.fast:
        data, epochs = data.head(FAST_DIGITS), FAST_EPOCHS
    recipe = Recipe(epochs=epochs, seed=options.seed, precision=options.precision)
    started = time.monotonic()
    verbose = 1 if sys.stdout.isatty() else 2
    model, _ = fit(data, recipe, options.checkpoints, verbose)
    seconds = time.monotonic() - started
    report = save(model, options.output, data, recipe, seconds)
    print(report.to_markdown())
    return 0


def save(model: keras.Model, path: Path, data: Mnist, recipe: Recipe, seconds: float) -> Report:
    """Save `model` at `path` and its report beside it, measured on the file as read back."""
    model.save(path)
    saved = keras.models.load_model(path, compile=False)
    report = Report(
        network="convolutions 3x3: 16, 32/2, 48/2, 48 with batch normalisation; dense 10",
        num_parameters=saved.count_params(),
        num_multiply_adds=count_multiply_adds(saved),
        file_bytes=path.stat().st_size,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        num_train=len(data.x_train),
        num_validation=len(data.x_validation),
        num_test=len(data.x_test),
        validation_accuracy=_accuracy(saved, data.x_validation, data.y_validation),
        test_accuracy=_accuracy(saved, data.x_test, data.y_test),
        epochs=recipe.epochs,
        seed=recipe.seed,
        precision=recipe.precision,
        seconds=seconds,
        versions=f"{os.cpu_count()} x {platform.machine()} cores, Keras {keras.__version__} "
        f"on {keras.backend.backend()}",
    )
    report.write(path.with_suffix(".json"))
    return report


def _accuracy(model: keras.Model, images: Images, labels: Labels) -> float:
    tensors = images[..., None].astype(np.float32) / 255
    probabilities = model.predict(tensors, batch_size=1_000, verbose=0)
    return float(np.mean(probabilities.argmax(axis=1) == labels))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dlflask.train", description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("mnist_model.h5"), metavar="FILE")
    parser.add_argument("--epochs", type=int, default=Recipe.epochs)
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument(
        "--precision",
        choices=("float32", "mixed_bfloat16"),
        default=Recipe.precision,
        help="mixed_bfloat16 is faster where the processor has bfloat16 instructions",
    )
    parser.add_argument(
        "--data",
        metavar="FILE",
        help=f"an mnist.npz in Keras's layout; default: {MNIST_VARIABLE}, else it is downloaded",
    )
    parser.add_argument(
        "--checkpoints",
        type=Path,
        default=Path("build/train"),
        metavar="FOLDER",
        help="where an interrupted run resumes from (default: %(default)s)",
    )
    parser.add_argument(
        "--fast",
        action="store_true",
        help=f"{FAST_EPOCHS} epoch on {FAST_DIGITS} digits: a check that training works",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
