"""Predict the digits in image files, by the model or by a running service."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from dlflask.cli.inputs import InputFile
from dlflask.client import REFUSED, UNREAD, DlflaskClient, Outcome
from dlflask.config import Config
from dlflask.errors import DlflaskError
from dlflask.server.settings import check_backend

if TYPE_CHECKING:
    from dlflask.digits.classifier import Classifier

#: Images per forward pass. Larger batches are not faster and take more memory.
BATCH_SIZE = 32

#: Returns an outcome for each image, or for the error met in reading its file.
BatchReader = Callable[[Sequence[bytes | DlflaskError]], list[Outcome]]


def predict(
    files: Sequence[InputFile], reader: BatchReader, max_bytes: int
) -> Iterator[list[tuple[InputFile, Outcome]]]:
    """Read the files in batches and yield each batch with its outcomes, in order."""
    for start in range(0, len(files), BATCH_SIZE):
        batch = files[start : start + BATCH_SIZE]
        uploads = [file.read_or_error(max_bytes) for file in batch]
        yield list(zip(batch, reader(uploads), strict=True))


def load_classifier(path: Path) -> Classifier:
    """Load, compile and test the model at `path`.

    Raises:
        ConfigError: KERAS_BACKEND names a package that is not installed.
        ModelError: The file is not a model of digits, or fails its self-test.
    """
    check_backend(os.environ)
    # OpenVINO takes half a second to import; --help and a running service are served without it.
    from dlflask.digits.classifier import Classifier  # noqa: PLC0415

    classifier = Classifier(path, Config().graph_folder)
    classifier.warm_up()
    return classifier


def open_model(path: Path) -> AbstractContextManager[BatchReader]:
    """Return a reader that predicts in this process, one forward pass per batch.

    Raises:
        ConfigError, ModelError: As by `load_classifier`.
    """
    from dlflask.digits.recogniser import DigitRecogniser  # noqa: PLC0415

    recogniser = DigitRecogniser(load_classifier(path))

    def read(uploads: Sequence[bytes | DlflaskError]) -> list[Outcome]:
        return [
            _failure(each)
            if isinstance(each, DlflaskError)
            else Outcome(each.prediction.verdict, each.prediction.probabilities)
            for each in recogniser.read_many(uploads)
        ]

    return nullcontext(read)


@contextmanager
def open_service(url: str, key: str) -> Iterator[BatchReader]:
    """Return a reader that asks a running service, over one connection.

    Raises:
        ValueError: `url` is not the address of a service, or `key` cannot be an API key.
        ConnectionError: The service cannot be reached.
    """
    with closing(DlflaskClient(url, key)) as client:
        yield lambda uploads: [
            _failure(each) if isinstance(each, DlflaskError) else client(each) for each in uploads
        ]


def _failure(error: DlflaskError) -> Outcome:
    # Subclasses reject the image; the base class reports a file that could not be read.
    return Outcome(UNREAD if type(error) is DlflaskError else REFUSED, reason=str(error))
