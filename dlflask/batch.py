"""Many pictures in, a reading or an error of each out, by one forward pass."""

from __future__ import annotations

import time
from collections.abc import Sequence

from dlflask.errors import DlflaskError, ImageError
from dlflask.image import decode_image
from dlflask.preprocess import Tensor, to_mnist
from dlflask.reading import Reading, ReadsDigits, milliseconds_between

Placed = tuple[bytes, Tensor, dict[str, float]]


def read_digits(
    uploads: Sequence[bytes | DlflaskError], classifier: ReadsDigits
) -> list[Reading | DlflaskError]:
    """Decode and place one by one, predict all at once.

    Args:
        uploads: Pictures, or what was wrong with one before it was looked at.
        classifier: Asked once, about all that could be read; not at all if none could.

    Returns:
        For each upload, in the order given, its reading or what is wrong with it. `predict` in a
        reading's milliseconds is its share of the pass.
    """
    placed = [one if isinstance(one, DlflaskError) else _place(one) for one in uploads]
    tensors = [one[1] for one in placed if not isinstance(one, DlflaskError)]
    started = time.perf_counter()
    predictions = iter(classifier.predict_many(tensors) if tensors else ())
    passed = milliseconds_between(started, time.perf_counter())
    predict = {"predict": round(passed / max(1, len(tensors)), 3)}
    return [
        one
        if isinstance(one, DlflaskError)
        else Reading(next(predictions), *one[:2], one[2] | predict)
        for one in placed
    ]


def _place(upload: bytes) -> Placed | DlflaskError:
    started = time.perf_counter()
    try:
        ink = decode_image(upload)
        decoded = time.perf_counter()
        tensor = to_mnist(ink)
    except ImageError as error:
        return error
    return (
        upload,
        tensor,
        {
            "decode": milliseconds_between(started, decoded),
            "place": milliseconds_between(decoded, time.perf_counter()),
        },
    )
