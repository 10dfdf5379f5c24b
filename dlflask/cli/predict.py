"""`predict`: read digits or numbers in image files by a model or by a running service."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from dlflask.cli.inputs import read_file
from dlflask.client import DIGIT_PATH, NUMBER_PATH, REFUSED, DlflaskClient, Outcome
from dlflask.config import Config
from dlflask.digits.classifier import Classifier
from dlflask.digits.recogniser import DigitRecogniser, DigitResult
from dlflask.errors import DlflaskError, InvalidLength
from dlflask.models import load_numbers, load_recognisers
from dlflask.numbers.decoding.lengths import parse_lengths
from dlflask.numbers.prediction import NumberResult
from dlflask.numbers.recogniser import NumberRecogniser
from dlflask.server.settings import check_backend

#: Number of images per forward pass. Larger batches are not faster and take more memory.
BATCH_SIZE = 32

#: Function that returns one outcome (a prediction or an error) for each element of its argument. An
#: element is the bytes of an image file, or the error that occurred when the file was read.
BatchReader = Callable[[Sequence[bytes | DlflaskError]], list[Outcome]]


def predict(
    files: Sequence[str], reader: BatchReader, max_bytes: int
) -> Iterator[list[tuple[str, Outcome]]]:
    """Read the files in batches. For each batch, yield pairs of a file and its outcome."""
    for start in range(0, len(files), BATCH_SIZE):
        batch = files[start : start + BATCH_SIZE]
        outcomes = reader([read_file(name, max_bytes) for name in batch])
        yield list(zip(batch, outcomes, strict=True))


@contextmanager
def open_reader(options: argparse.Namespace, config: Config) -> Iterator[BatchReader]:
    """Open the reader that `options` name: a running service, or a model in this process.

    Args:
        options: Values of `number`, `length`, `url`, `key` and `model` from the command line.
        config: Settings, with the paths of the models that are used if `options` name none.

    Raises:
        ConfigError, ModelError: For the same reasons as in `load_digit_recogniser` and
            `load_number_recogniser`.
        InvalidLength: The length is not valid, or is given without `--number`.
        ValueError: The URL is not the address of a service, or the key cannot be an API key.
        ConnectionError: The service cannot be reached.
    """
    if options.length is not None and not options.number:
        raise InvalidLength(
            "--length needs --number, because only numbers have a length. Add --number."
        )
    lengths = None if options.length is None else parse_lengths(options.length)
    config = replace_model(config, options.model, number=options.number)
    if options.url:
        query = "" if lengths is None else f"?length={lengths}"
        path = f"{NUMBER_PATH}{query}" if options.number else DIGIT_PATH
        with closing(DlflaskClient(options.url, options.key, path)) as client:
            yield lambda uploads: [
                to_outcome(each) if isinstance(each, DlflaskError) else client(each)
                for each in uploads
            ]
        return
    recogniser = (
        load_number_recogniser(config).expecting(lengths)
        if options.number
        else load_digit_recogniser(config)
    )
    # The time limit is for requests, whose clients wait for a response. A command may take longer.
    yield lambda uploads: [to_outcome(each) for each in recogniser.read_many(uploads, math.inf)]


def replace_model(config: Config, path: Path | None, *, number: bool) -> Config:
    """Return `config` with `path` as its number model or its digit model, unless `path` is None."""
    if path is None:
        return config
    return replace(config, number_model_path=path) if number else replace(config, model_path=path)


def load_digit_recogniser(config: Config) -> DigitRecogniser:
    """Load, compile and test the digit model, and also the number model if its file exists.

    Raises:
        ConfigError: KERAS_BACKEND names a package that is not installed.
        ModelError: A file is not a model of the right kind, or a model fails its self-test.
    """
    check_backend(os.environ)
    digits, numbers = load_recognisers(config)
    (numbers or digits).setup()  # This tests both models if there are two.
    return digits


def load_number_recogniser(config: Config) -> NumberRecogniser:
    """Load, compile and test the number model and the digit model, which together read numbers.

    Raises:
        ConfigError: KERAS_BACKEND names a package that is not installed.
        ModelError: A file is missing or is not a model of the right kind, or a model fails its
            self-test.
    """
    check_backend(os.environ)
    numbers = load_numbers(config, Classifier(config.model_path, config.graph_folder))
    numbers.setup()
    return numbers


def to_outcome(result: DigitResult | NumberResult | DlflaskError) -> Outcome:
    """Convert the result of a model to the type that `DlflaskClient` returns."""
    if isinstance(result, DlflaskError):
        return Outcome(REFUSED, reason=str(result))
    outcome = Outcome(result.verdict, result.label, result.confidence)
    if isinstance(result, DigitResult):
        return replace(outcome, probabilities=result.prediction.probabilities)
    return replace(outcome, lines=[line.to_wire() for line in result.lines])
