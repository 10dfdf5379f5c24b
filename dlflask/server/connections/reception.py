"""Decide from the bytes received so far whether a request is complete, without using a socket.

The main loop feeds a `Reception`, and hands the request to a thread when the request is complete. A
request that looks wrong or ambiguous counts as complete, so that Gunicorn's parser decides about
it. Two parsers could interpret the same request differently, which an attacker could use.
"""

from __future__ import annotations

import re
from enum import Enum

from dlflask.server.connections.chunks import MAX_HEADER_BYTES, Chunks
from dlflask.server.connections.framing import CHUNKED, expects_continue, find_body_length
from dlflask.server.connections.piece_buffer import PieceBuffer

#: Maximum time in seconds until the headers have arrived, and between two reads of a body. NGINX
#: has the same timeouts in nginx/conf.d/limits.conf.
MAX_SILENCE_SECONDS = 10

#: Time in seconds for a body to arrive. Each `MIN_BYTES_PER_SECOND` bytes received add one second.
#: This limit ends a connection whose client sends single bytes to stay within
#: `MAX_SILENCE_SECONDS`.
BODY_SECONDS = 20
MIN_BYTES_PER_SECOND = 32_000

#: Maximum number of chunks in a body. Gunicorn needs some microseconds for each chunk. Most clients
#: send chunks of at least 4 kB, so a body of 16 MB has only about 4,000 chunks.
MAX_CHUNKS = 100_000

#: Maximum number of bytes in one read of a body of known length.
_MAX_BODY_READ = 1024 * 1024
#: Maximum number of bytes in one read of a chunked body.
_MAX_CHUNKED_READ = 64 * 1024
#: Maximum number of bytes in one read of headers. Gunicorn's parser copies the piece with the
#: headers several times, so this piece must be small.
_MAX_HEADERS_READ = 8 * 1024

#: Line feed without a carriage return, which a valid request does not contain in its headers.
_BARE_LF = re.compile(rb"(?<!\r)\n")


class Limit(Enum):
    """Limit that ended a reception before the request was complete."""

    HEADERS = "The headers are too long."
    BODY = "The body is too large."
    CHUNKS = "The body has too many chunks."
    TIME = "The body arrived too slowly."
    ROOM = "The worker holds too many bodies."


class Reception:
    """The bytes of one request that have arrived so far.

    Attributes:
        is_complete: True if Gunicorn's parser can take the request now.
        is_truncated: True if the reception has ended although bytes of the request are missing.
        limit: Limit that ended the reception, otherwise None. An announced body that is too large
            does not set `limit`, because the application rejects the request by its headers.
        num_bytes: Number of bytes received so far.
        deadline: Latest time for the next bytes to arrive, in seconds of `time.monotonic`.
        start: First bytes of the request, at least the request line if `is_complete`.
        awaits_continue: True if the client waits for "100 Continue" before it sends the body.
    """

    def __init__(self, max_body_bytes: int, now: float) -> None:
        self.is_complete = self.is_truncated = self.awaits_continue = False
        self.limit: Limit | None = None
        self.num_bytes = 0
        self.deadline = now + MAX_SILENCE_SECONDS
        self.start = b""
        self._max_body_bytes = max_body_bytes
        self._buffer = PieceBuffer()
        self._missing_bytes = 0
        self._chunks: Chunks | None = None
        self._body_deadline = 0.0

    @property
    def has_headers(self) -> bool:
        """True if all headers have arrived."""
        return bool(self._buffer)

    @property
    def wanted(self) -> int:
        """Maximum number of bytes to read next, at most the rest of a body of known length."""
        if not self._buffer:
            return _MAX_HEADERS_READ
        return _MAX_CHUNKED_READ if self._chunks else min(self._missing_bytes, _MAX_BODY_READ)

    def feed(self, data: bytes, now: float) -> bool:
        """Add received bytes. Return True if the reception is complete."""
        self.num_bytes += len(data)
        if not self._buffer:
            self._feed_headers(data, now)
        else:
            self._buffer.add_body(data)
            if self._chunks:
                self._feed_chunks(data, 0)
            else:
                self._missing_bytes -= len(data)
                self.is_complete = self._missing_bytes <= 0
        if self._buffer and not self.is_complete:
            self.deadline = min(
                now + MAX_SILENCE_SECONDS,
                self._body_deadline + self.num_bytes / MIN_BYTES_PER_SECOND,
            )
        return self.is_complete

    def truncate(self, limit: Limit | None) -> None:
        """End the reception of an incomplete request. If a limit is given, delete the body."""
        self.limit = limit
        self.is_complete = self.is_truncated = True
        if limit:
            self._buffer.drop_body()

    def take(self) -> list[bytes]:
        """Remove and return the received pieces in order. The first piece holds all headers."""
        return self._buffer.take() or [self.start]

    def _feed_headers(self, data: bytes, now: float) -> None:
        search_start = max(0, len(self.start) - 3)
        start = self.start = self.start + data if self.start else data
        end = start.find(b"\r\n\r\n", search_start)
        if end >= 0:
            self._buffer.add_headers(start)
            self._body_deadline = now + BODY_SECONDS
            self._start_body(start[: end + 2].lower(), end + 4)
        elif len(start) > MAX_HEADER_BYTES:
            self.truncate(Limit.HEADERS)
        elif _BARE_LF.search(start, search_start):
            self.is_complete = True

    def _start_body(self, headers: bytes, end: int) -> None:
        length = find_body_length(headers)
        if length is None:
            self.is_complete = True
            return
        if length == CHUNKED:
            self._chunks = Chunks()
            self._feed_chunks(self.start, end)
        else:
            self._missing_bytes = length - (len(self.start) - end)
            # If the body is too large, the application rejects it by its announced length.
            self.is_truncated = self._missing_bytes > 0 and length > self._max_body_bytes
            self.is_complete = self._missing_bytes <= 0 or self.is_truncated
        if not self.is_complete and len(self.start) == end:
            self.awaits_continue = expects_continue(headers)

    def _feed_chunks(self, data: bytes, start: int) -> None:
        chunks = self._chunks
        assert chunks  # noqa: S101  for mypy
        self.is_complete = chunks.feed(data, start)
        # Chunk sizes and chunk extensions may take as many bytes as the content.
        max_bytes = 2 * self._max_body_bytes + MAX_HEADER_BYTES
        if chunks.num_bytes > self._max_body_bytes or self.num_bytes > max_bytes:
            self.truncate(Limit.BODY)
        elif chunks.num_chunks > MAX_CHUNKS:
            self.truncate(Limit.CHUNKS)
