"""Limits on Pillow's reads from a file: their number, and the CPU time until each of them."""

from __future__ import annotations

import time
from io import BytesIO

from dlflask.errors import TooComplex
from dlflask.imaging.decode_limits import CPU_SECONDS, MAX_PIECES
from dlflask.imaging.formats.invalid_file import InvalidFile

#: Reading the CPU time takes a microsecond, as long as reading some bytes of a header. It is read
#: before each read of at least so many bytes, and before one in so many shorter ones.
_SMALL_BYTES, _SMALL_READS = 4_096, 16


class Deadline:
    """Limit on the CPU time of the thread that decodes, counted from the first read.

    Args:
        seconds: The limit, in seconds of CPU time.
    """

    def __init__(self, seconds: float = CPU_SECONDS) -> None:
        self._seconds = seconds
        self._start: float | None = None

    def start(self) -> None:
        """Begin to count, at the first call."""
        if self._start is None:
            self._start = time.thread_time()

    def check(self, times: int = 1) -> None:
        """Raise an error if the CPU time is used up.

        Args:
            times: 2 if as much time as has been used is needed again.

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
    """File of the bytes of an upload, read in at most `MAX_PIECES` pieces and until `deadline`."""

    def __init__(self, upload: bytes, deadline: Deadline) -> None:
        super().__init__(upload)
        deadline.start()
        self._deadline = deadline
        self._reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next `size` bytes, like any file.

        Raises:
            InvalidFile: The file consists of more pieces than any image does.
            TooComplex: The CPU time is used up.
        """
        self._reads += 1
        if self._reads > MAX_PIECES:
            raise InvalidFile(f"it is made of over {MAX_PIECES:,} pieces")
        is_small = size is not None and 0 <= size < _SMALL_BYTES
        if not is_small or self._reads % _SMALL_READS == 0:
            self._deadline.check()
        return super().read(size)
