"""Find the end of a chunked body without decoding it."""

from __future__ import annotations

import re

#: Longest headers, trailers and line of a chunk, in bytes; NGINX's default is half of it.
MAX_HEAD_BYTES = 64 * 1024

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\r\n")


class Chunks:
    """A chunked body's sizes, followed to its end without decoding it.

    Source: RFC 9112, 7.1.

    Attributes:
        num_bytes: Of content, announced so far.
        count: Chunks so far.
    """

    __slots__ = ("_is_in_trailers", "_line", "_skip", "_trailer_bytes", "count", "num_bytes")

    def __init__(self) -> None:
        self.num_bytes = self.count = 0
        self._skip = self._trailer_bytes = 0
        self._line = b""
        self._is_in_trailers = False

    def feed(self, data: bytes, start: int) -> bool:
        """Go on from `start` in `data`; return whether the body ends there or cannot be valid."""
        while start < len(data):
            if self._skip:
                step = min(self._skip, len(data) - start)
                self._skip -= step
                start += step
                continue
            end = data.find(b"\n", start) + 1
            self._line += data[start : end or len(data)]
            if not end:
                return len(self._line) > MAX_HEAD_BYTES
            line, self._line, start = self._line, b"", end
            if self._is_in_trailers:
                self._trailer_bytes += len(line)
                is_over = self._trailer_bytes > MAX_HEAD_BYTES
                if is_over or line == b"\r\n" or not line.endswith(b"\r\n"):
                    return True
            elif not self._start_chunk(line):
                return True
        return False

    def _start_chunk(self, line: bytes) -> bool:
        found = _CHUNK_SIZE.fullmatch(line)
        if not found:
            return False
        size = int(found[1], 16)
        if size:
            self.count += 1
            self.num_bytes += size
            self._skip = size + 2  # the line end behind the content
        else:
            self._is_in_trailers = True
        return True
