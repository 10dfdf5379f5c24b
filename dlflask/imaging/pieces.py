"""The file that Pillow reads from: in a limited number of pieces, and in limited CPU time."""

from __future__ import annotations

import time
from io import BytesIO

from dlflask.errors import TooComplex
from dlflask.imaging.decode_limits import CPU_SECONDS, MAX_PIECES

#: Asking for the CPU time costs a microsecond, as much as reading some bytes of a header: it is
#: asked for at every large read, of pixels or metadata, and at one in so many small ones.
_SMALL_BYTES, _SMALL_READS = 4_096, 16


class Deadline:
    """When the thread that decodes has used its CPU time, from the first read on."""

    def __init__(self, seconds: float = CPU_SECONDS) -> None:
        self._seconds = seconds
        self._start: float | None = None

    def start(self) -> None:
        """Begin to count, once."""
        if self._start is None:
            self._start = time.thread_time()

    def check(self, times: int = 1) -> None:
        """Let the work go on while there is time.

        Args:
            times: 2 to ask for as much time again as has been used.

        Raises:
            TooComplex: There is none left.
        """
        if self._start is None:
            return
        if (time.thread_time() - self._start) * times > self._seconds:
            raise TooComplex(
                f"The image takes too long to decode: over {CPU_SECONDS:.0f} s of CPU time. Open "
                "it in an image editor, save it as a smaller PNG or JPEG and send the new file."
            )


class Pieces(BytesIO):
    """The bytes of an upload, to be read in at most `MAX_PIECES` pieces until `deadline`."""

    def __init__(self, upload: bytes, deadline: Deadline) -> None:
        super().__init__(upload)
        deadline.start()
        self._deadline = deadline
        self._reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as a file does.

        Raises:
            OSError: The file is made of more pieces than any image is.
            TooComplex: The CPU time is used up.
        """
        self._reads += 1
        if self._reads > MAX_PIECES:
            raise OSError(f"it is made of over {MAX_PIECES:,} pieces")
        is_small = size is not None and 0 <= size < _SMALL_BYTES
        if not is_small or self._reads % _SMALL_READS == 0:
            self._deadline.check()
        return super().read(size)
