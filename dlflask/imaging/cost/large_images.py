"""Admission of large images to a worker: one is decoded, one more may wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dlflask.errors import Busy

#: Large images in a worker, decoded or waiting. One of the worker's three threads stays free for
#: other requests.
MAX_ADMITTED = 2

_places = threading.BoundedSemaphore(MAX_ADMITTED)
_slot = threading.Lock()


@contextmanager
def decode_slot() -> Iterator[None]:
    """Hold the slot of the one large image that is decoded in this worker; wait for it if needed.

    Raises:
        Busy: Another large image waits already.
    """
    if not _places.acquire(blocking=False):
        raise Busy(
            "The service is decoding other large images. Send this one again in a few seconds."
        )
    try:
        with _slot:
            yield
    finally:
        _places.release()
