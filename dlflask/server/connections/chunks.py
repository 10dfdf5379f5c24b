"""Find the end of a chunked body without decoding it.

Source: RFC 9112, section 7.1.
"""

from __future__ import annotations

import re

#: Longest headers, trailers and chunk-size line, in bytes; twice NGINX's default for headers.
MAX_HEADER_BYTES = 64 * 1024

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\r\n")


class Chunks:
    """Scanner that follows the sizes of the chunks to the end of the body.

    Attributes:
        num_bytes: Bytes of content announced so far.
        count: Number of chunks so far.
    """

    __slots__ = ("_is_in_trailers", "_line", "_skip", "_trailer_bytes", "count", "num_bytes")

    def __init__(self) -> None:
        self.num_bytes = self.count = 0
        self._skip = self._trailer_bytes = 0
        self._line = b""
        self._is_in_trailers = False

    def feed(self, data: bytes, start: int) -> bool:
        """Scan `data` from `start`; return whether the body ends there or cannot be valid."""
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
            if self._ends_body(line):
                return True
        return False

    def _ends_body(self, line: bytes) -> bool:
        if not self._is_in_trailers:
            return not self._start_chunk(line)
        self._trailer_bytes += len(line)
        is_too_long = self._trailer_bytes > MAX_HEADER_BYTES
        return is_too_long or line == b"\r\n" or not line.endswith(b"\r\n")

    def _start_chunk(self, line: bytes) -> bool:
        found = _CHUNK_SIZE.fullmatch(line)
        if not found:
            return False
        size = int(found[1], 16)
        if size:
            self.count += 1
            self.num_bytes += size
            self._skip = size + 2  # with the line end after the content
        else:
            self._is_in_trailers = True
        return True
