"""Admission of large images. A worker decodes one large image, and at most one more waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dlflask.errors import Busy

#: Maximum number of large images in a worker: one that is decoded, and one that waits. A worker has
#: three threads, so one thread stays free for other requests.
MAX_ADMITTED = 2

#: `_places` has one place for each admitted image. The image that is decoded holds `_slot`.
_places = threading.BoundedSemaphore(MAX_ADMITTED)
_slot = threading.Lock()


@contextmanager
def decode_slot() -> Iterator[None]:
    """Wait for the worker's only slot for decoding a large image, and hold the slot.

    Raises:
        Busy: Another large image is already waiting.
    """
    if not _places.acquire(blocking=False):
        raise Busy(
            "The service is decoding other large images. Send this image again in a few seconds."
        )
    try:
        with _slot:
            yield
    finally:
        _places.release()
