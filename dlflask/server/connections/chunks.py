"""Find the end of a chunked body without decoding it.

Source: RFC 9112, section 7.1.
"""

from __future__ import annotations

import re

#: Maximum size in bytes of all headers together, twice NGINX's default. The same maximum holds for
#: all trailers (headers after the last chunk) together, and for one chunk-size line.
MAX_HEADER_BYTES = 64 * 1024

#: Line with the size of the next chunk in hexadecimal, and optional extensions after the size.
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\r\n")


class Chunks:
    """Scanner that finds the end of the body by adding up the sizes of its chunks.

    Attributes:
        num_bytes: Sum of the chunk sizes read so far, in bytes.
        num_chunks: Number of chunk sizes read so far, without the final 0.
    """

    __slots__ = ("_is_in_trailers", "_line", "_skip", "_trailer_bytes", "num_bytes", "num_chunks")

    def __init__(self) -> None:
        self.num_bytes = self.num_chunks = 0
        self._skip = self._trailer_bytes = 0
        self._line = b""
        self._is_in_trailers = False

    def feed(self, data: bytes, start: int) -> bool:
        """Scan `data` from `start`. Return True if the body ends in `data` or is invalid."""
        while start < len(data):
            if self._skip:
                step = min(self._skip, len(data) - start)
                self._skip -= step
                start += step
                continue
            end = data.find(b"\n", start) + 1
            self._line += data[start : end or len(data)]
            if not end:
                return len(self._line) > MAX_HEADER_BYTES
            line, self._line, start = self._line, b"", end
            if self._is_end_or_invalid(line):
                return True
        return False

    def _is_end_or_invalid(self, line: bytes) -> bool:
        """Read a chunk-size line or a trailer. Return True if it ends the body or is invalid."""
        if not self._is_in_trailers:
            return not self._read_chunk_size(line)
        self._trailer_bytes += len(line)
        is_too_long = self._trailer_bytes > MAX_HEADER_BYTES
        return is_too_long or line == b"\r\n" or not line.endswith(b"\r\n")

    def _read_chunk_size(self, line: bytes) -> bool:
        """Read a chunk-size line. Return False if it is invalid."""
        found = _CHUNK_SIZE.fullmatch(line)
        if not found:
            return False
        size = int(found[1], 16)
        if size:
            self.num_chunks += 1
            self.num_bytes += size
            self._skip = size + 2  # the content and the line end after it
        else:
            self._is_in_trailers = True
        return True
