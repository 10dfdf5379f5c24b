"""Picture files in, what is said of each out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path

from dlflask.cli.inputs import Named
from dlflask.client import REFUSED, UNREAD, Outcome, Service
from dlflask.errors import DlflaskError

#: Pictures of one forward pass: more are no quicker each, and these few photos fit in memory.
BATCH_SIZE = 32

#: The bytes of some pictures, or what was wrong with one, to what is said of each.
Reader = Callable[[Sequence[bytes | DlflaskError]], list[Outcome]]


def predict(
    files: Sequence[Named], reader: Reader, max_bytes: int
) -> Iterator[list[tuple[Named, Outcome]]]:
    """Read the files in batches; each batch with what is said of each, in their order."""
    for start in range(0, len(files), BATCH_SIZE):
        batch = files[start : start + BATCH_SIZE]
        uploads = [one.read_or_fault(max_bytes) for one in batch]
        yield list(zip(batch, reader(uploads), strict=True))


def open_model(path: Path) -> AbstractContextManager[Reader]:
    """A reader that predicts here, a batch by one forward pass.

    Raises:
        ModelError: `path` is not a model of digits, or fails its self-test.
    """
    # Keras takes seconds to import, and --help and asking a service do without it.
    from dlflask.digits.classifier import Classifier  # noqa: PLC0415
    from dlflask.digits.recogniser import DigitRecogniser  # noqa: PLC0415

    classifier = Classifier(path)
    classifier.warm_up()
    recogniser = DigitRecogniser(classifier)

    def read(uploads: Sequence[bytes | DlflaskError]) -> list[Outcome]:
        return [
            _unread(one)
            if isinstance(one, DlflaskError)
            else Outcome(one.prediction.verdict, one.prediction.probabilities)
            for one in recogniser.read_many(uploads)
        ]

    return nullcontext(read)


@contextmanager
def open_service(url: str) -> Iterator[Reader]:
    """A reader that asks a running service, over one connection.

    Raises:
        ValueError: `url` is none of a service.
        ConnectionError: Nothing answers there.
    """
    with closing(Service(url)) as service:
        yield lambda uploads: [
            _unread(one) if isinstance(one, DlflaskError) else service(one) for one in uploads
        ]


def _unread(fault: DlflaskError) -> Outcome:
    return Outcome(UNREAD if type(fault) is DlflaskError else REFUSED, reason=str(fault))
