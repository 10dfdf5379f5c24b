"""`predict`: read the digits in image files by the model or by a running service."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from typing import TYPE_CHECKING, TypeVar

from dlflask.cli.inputs import InputFile
from dlflask.client import REFUSED, UNREAD, DlflaskClient, NumberOutcome, Outcome
from dlflask.config import Config
from dlflask.errors import DlflaskError
from dlflask.server.settings import check_backend

if TYPE_CHECKING:
    from dlflask.digits.classifier import Classifier
    from dlflask.numbers.recogniser import NumberRecogniser

#: Number of images per forward pass. Larger batches are not faster and take more memory.
BATCH_SIZE = 32

#: Function that returns one outcome for each element: for the bytes of an image file, or for the
#: error that occurred when the file was read.
BatchReader = Callable[[Sequence[bytes | DlflaskError]], list[Outcome]]

AnyOutcome = TypeVar("AnyOutcome", Outcome, NumberOutcome)


def predict(
    files: Sequence[InputFile],
    reader: Callable[[Sequence[bytes | DlflaskError]], list[AnyOutcome]],
    max_bytes: int,
) -> Iterator[list[tuple[InputFile, AnyOutcome]]]:
    """Read the files in batches. Yield a list of files with their outcomes for each batch."""
    for start in range(0, len(files), BATCH_SIZE):
        batch = files[start : start + BATCH_SIZE]
        uploads = [file.read_or_error(max_bytes) for file in batch]
        yield list(zip(batch, reader(uploads), strict=True))


def load_classifier(config: Config) -> tuple[Classifier, Callable[[bytes], bool]]:
    """Load, compile and test the digit model, and also the number model if its file exists.

    Returns:
        The digit model, and a function that returns True for an image of several digits. Without
        the number model, this function always returns False.

    Raises:
        ConfigError: KERAS_BACKEND names a package that is not installed.
        ModelError: A file is not a model of the right kind, or a model fails its self-test.
    """
    check_backend(os.environ)
    # These imports load OpenVINO, which takes half a second. `--help` and `--url` do not need it.
    from dlflask.digits.classifier import Classifier  # noqa: PLC0415
    from dlflask.models import load_numbers  # noqa: PLC0415

    classifier = Classifier(config.model_path, config.graph_folder)
    numbers = load_numbers(config, classifier) if config.number_model_path.is_file() else None
    for model in (classifier, numbers.network) if numbers else (classifier,):
        model.warm_up()
    return classifier, numbers.shows_several if numbers else lambda _: False


def load_number_recogniser(config: Config) -> NumberRecogniser:
    """Load, compile and test the number model and the digit model, which both read numbers.

    Raises:
        ConfigError: KERAS_BACKEND names a package that is not installed.
        ModelError: A file is missing or is not a model of the right kind, or a model fails its
            self-test.
    """
    check_backend(os.environ)
    from dlflask.digits.classifier import Classifier  # noqa: PLC0415
    from dlflask.models import load_numbers  # noqa: PLC0415

    numbers = load_numbers(config, Classifier(config.model_path, config.graph_folder))
    numbers.setup()
    return numbers


def open_model(config: Config) -> AbstractContextManager[BatchReader]:
    """Return a reader that predicts in this process, one forward pass per batch.

    Raises:
        ConfigError, ModelError: For the same reasons as in `load_classifier`.
    """
    from dlflask.digits.recogniser import DigitRecogniser  # noqa: PLC0415

    classifier, shows_several = load_classifier(config)
    recogniser = DigitRecogniser(classifier, shows_several=shows_several)

    def read(uploads: Sequence[bytes | DlflaskError]) -> list[Outcome]:
        return [
            _failure(each)
            if isinstance(each, DlflaskError)
            else Outcome(each.verdict, each.prediction.probabilities)
            for each in recogniser.read_many(uploads)
        ]

    return nullcontext(read)


@contextmanager
def open_service(url: str, key: str) -> Iterator[BatchReader]:
    """Return a reader that sends images to a running service over one connection.

    Raises:
        ValueError: `url` is not the address of a service, or `key` cannot be an API key.
        ConnectionError: The service cannot be reached.
    """
    with closing(DlflaskClient(url, key)) as client:
        yield lambda uploads: [
            _failure(each) if isinstance(each, DlflaskError) else client(each) for each in uploads
        ]


def failure_of(error: DlflaskError) -> str:
    """Return the verdict for an error: `UNREAD` if the file could not be read, else `REFUSED`.

    An error of the base class `DlflaskError` means that the file could not be read.
    """
    return UNREAD if type(error) is DlflaskError else REFUSED


def _failure(error: DlflaskError) -> Outcome:
    return Outcome(failure_of(error), reason=str(error))
