"""One large image at a time in a worker; one more may wait for its turn."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dlflask.errors import Busy

#: One decodes, one waits: of the worker's three threads, one is left for everything else.
MAX_IN_TURN = 2

_places = threading.BoundedSemaphore(MAX_IN_TURN)
_turn = threading.Lock()


@contextmanager
def decode_slot() -> Iterator[None]:
    """Wait for the large image that is being decoded, and let others wait for this one.

    Raises:
        Busy: Another one waits already.
    """
    if not _places.acquire(blocking=False):
        raise Busy(
            "The service is decoding other large images. Send this one again in a few seconds."
        )
    try:
        with _turn:
            yield
    finally:
        _places.release()
