"""Limits on decoding by Pillow: the number of read operations, and the CPU time."""

from __future__ import annotations

import time
from io import BytesIO

from dlflask.errors import TooComplex
from dlflask.imaging.decode_limits import CPU_SECONDS, MAX_PIECES
from dlflask.imaging.formats.invalid_file import InvalidFile

#: The CPU time is checked at each read operation of at least `_SMALL_BYTES` bytes, and also at
#: every sixteenth read operation (`_CHECK_INTERVAL`). A check takes 1 µs, like a small read.
_SMALL_BYTES, _CHECK_INTERVAL = 4_096, 16


class CpuTimeLimit:
    """Limit on the CPU time of the thread that decodes, counted from the first call of `start`.

    Args:
        seconds: The limit, in seconds of CPU time.
    """

    def __init__(self, seconds: float = CPU_SECONDS) -> None:
        self._seconds = seconds
        self._start: float | None = None

    def start(self) -> None:
        """Start counting at the first call. Later calls have no effect."""
        if self._start is None:
            self._start = time.thread_time()

    def check(self, times: int = 1) -> None:
        """Raise an error if the CPU time is used up.

        Args:
            times: Total time that will be needed, as a multiple of the time used so far: 2 if the
                image must be decoded once more.

        Raises:
            TooComplex: The time used so far, multiplied by `times`, exceeds the limit.
        """
        if self._start is None:
            return
        if (time.thread_time() - self._start) * times > self._seconds:
            raise TooComplex(
                f"The image takes too long to decode: over {CPU_SECONDS:.0f} s of CPU time. Open "
                "it in an image editor, save it as a smaller PNG or JPEG and send the new file."
            )


class LimitedFile(BytesIO):
    """File in memory with limits on the number of read operations and on the CPU time."""

    def __init__(self, upload: bytes, time_limit: CpuTimeLimit) -> None:
        super().__init__(upload)
        time_limit.start()
        self._time_limit = time_limit
        self._reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next `size` bytes, like any file.

        Raises:
            InvalidFile: The decoder needs more than `MAX_PIECES` read operations.
            TooComplex: The CPU time is used up.
        """
        self._reads += 1
        if self._reads > MAX_PIECES:
            raise InvalidFile(f"it needs more read operations than the limit of {MAX_PIECES:,}")
        is_small = size is not None and 0 <= size < _SMALL_BYTES
        if not is_small or self._reads % _CHECK_INTERVAL == 0:
            self._time_limit.check()
        return super().read(size)
