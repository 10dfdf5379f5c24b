"""Many pictures in, a reading or an error of each out, stage by stage.

All are decoded, then all are placed, then all are predicted: what a stage needs, its code above
all, is in the processor's caches from the second picture on. Picture by picture takes a fifth more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from dlflask.errors import Busy, DlflaskError, ImageError, OutOfTime
from dlflask.image import decode_image
from dlflask.ink import Ink
from dlflask.preprocess import to_mnist
from dlflask.reading import Reading, ReadsDigits, milliseconds_between

#: What a batch is given for decoding. Pictures that it does not come to are left: one may take a
#: second or two, and NGINX waits 10 s for all.
MAX_SECONDS = 6

Came = TypeVar("Came")
Went = TypeVar("Went")


def read_digits(
    uploads: Sequence[bytes | DlflaskError], classifier: ReadsDigits
) -> list[Reading | DlflaskError]:
    """Decode all, place all, predict all.

    Args:
        uploads: Pictures, or what was wrong with one before it was looked at.
        classifier: Asked once, about all that could be read; not at all if none could.

    Returns:
        For each upload, in the order given, its reading or what is wrong with it. `predict` in a
        reading's milliseconds is its share of the pass.
    """
    inks, decode = _each(_decode_until(time.perf_counter() + MAX_SECONDS), uploads)
    placed, place = _each(to_mnist, inks)
    tensors = [one for one in placed if not isinstance(one, DlflaskError)]
    started = time.perf_counter()
    predictions = iter(classifier.predict_many(tensors) if tensors else ())
    passed = milliseconds_between(started, time.perf_counter())
    predict = round(passed / max(1, len(tensors)), 3)
    readings: list[Reading | DlflaskError] = []
    for upload, tensor, *times in zip(uploads, placed, decode, place, strict=True):
        if isinstance(tensor, DlflaskError):
            readings.append(tensor)
            continue
        assert not isinstance(upload, DlflaskError)  # noqa: S101  told to the type checker
        stages = dict(zip(("decode", "place", "predict"), (*times, predict), strict=True))
        readings.append(Reading(next(predictions), upload, tensor, stages))
    return readings


def _decode_until(deadline: float) -> Callable[[bytes], Ink]:
    def decode(upload: bytes) -> Ink:
        if time.perf_counter() > deadline:
            raise OutOfTime(
                f"The pictures before this one took {MAX_SECONDS} s, as long as a request is "
                "given. Send this one in a further request."
            )
        return decode_image(upload)

    return decode


def _each(
    stage: Callable[[Came], Went], came: Iterable[Came | DlflaskError]
) -> tuple[list[Went | DlflaskError], list[float]]:
    """Put all but the faulty through `stage`; the results, new faults among them, and the times."""
    went: list[Went | DlflaskError] = []
    milliseconds = []
    for one in came:
        started = time.perf_counter()
        try:
            went.append(one if isinstance(one, DlflaskError) else stage(one))
        except (ImageError, OutOfTime, Busy) as fault:
            went.append(fault)
        milliseconds.append(milliseconds_between(started, time.perf_counter()))
    return went, milliseconds
