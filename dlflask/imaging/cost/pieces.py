"""Limits on decoding by Pillow: the number of reads from the file, and the CPU time."""

from __future__ import annotations

import time
from io import BytesIO

from dlflask.errors import TooComplex
from dlflask.imaging.decode_limits import CPU_SECONDS, MAX_PIECES
from dlflask.imaging.formats.invalid_file import InvalidFile

#: Checking the CPU time takes a microsecond, as long as reading some bytes of a header. Therefore
#: it is checked before each read of at least `_SMALL_BYTES`, but only before one of `_SMALL_READS`
#: shorter reads.
_SMALL_BYTES, _SMALL_READS = 4_096, 16


class CpuTimeLimit:
    """Limit on the CPU time of the thread that decodes, counted from the first read.

    Args:
        seconds: The limit, in seconds of CPU time.
    """

    def __init__(self, seconds: float = CPU_SECONDS) -> None:
        self._seconds = seconds
        self._start: float | None = None

    def start(self) -> None:
        """Start counting at the first call; later calls change nothing."""
        if self._start is None:
            self._start = time.thread_time()

    def check(self, times: int = 1) -> None:
        """Raise an error if the CPU time is used up.

        Args:
            times: 2 if as much time as was used so far is needed once more, 4 if three times more.

        Raises:
            TooComplex: More CPU time was used, or is needed, than the limit.
        """
        if self._start is None:
            return
        if (time.thread_time() - self._start) * times > self._seconds:
            raise TooComplex(
                f"The image takes too long to decode: over {CPU_SECONDS:.0f} s of CPU time. Open "
                "it in an image editor, save it as a smaller PNG or JPEG and send the new file."
            )


class Pieces(BytesIO):
    """File of the bytes of an upload that allows `MAX_PIECES` reads, until `time_limit`."""

    def __init__(self, upload: bytes, time_limit: CpuTimeLimit) -> None:
        super().__init__(upload)
        time_limit.start()
        self._time_limit = time_limit
        self._reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next `size` bytes, like any file.

        Raises:
            InvalidFile: The decoder has made more than `MAX_PIECES` reads.
            TooComplex: The CPU time is used up.
        """
        self._reads += 1
        if self._reads > MAX_PIECES:
            raise InvalidFile(f"it needs more read operations than the limit of {MAX_PIECES:,}")
        is_small = size is not None and 0 <= size < _SMALL_BYTES
        if not is_small or self._reads % _SMALL_READS == 0:
            self._time_limit.check()
        return super().read(size)
