"""Decide from the bytes received so far whether a request is complete, without using a socket.

The main loop feeds a `Reception` and hands the request to a thread when it is complete. Gunicorn's
parser alone interprets the bytes. A request that looks wrong or ambiguous counts as complete, so
that the parser rejects it: the project never reads a request differently from Gunicorn.
"""

from __future__ import annotations

import re
from enum import Enum

from dlflask.server.connections.chunks import MAX_HEADER_BYTES, Chunks
from dlflask.server.connections.framing import CHUNKED, expects_continue, find_body_length
from dlflask.server.connections.piece_buffer import PieceBuffer

#: Time for the headers to arrive, and longest silence in a body, in seconds. NGINX has the same
#: timeouts in nginx/conf.d/limits.conf.
MAX_SILENCE_SECONDS = 10

#: Time for a body to arrive, in seconds, plus one second for every `MIN_BYTES_PER_SECOND` received.
#: A client that sends single bytes to stay within `MAX_SILENCE_SECONDS` is cut off.
BODY_SECONDS = 20
MIN_BYTES_PER_SECOND = 32_000

#: Most chunks of a body. Gunicorn needs some microseconds for each. Clients send chunks of 4 kB or
#: more.
MAX_CHUNKS = 100_000

#: Most bytes that one `recv` asks for: in a body of known length, in a chunked body, in headers.
#: The last one is small because Gunicorn's parser copies the piece with the headers several times.
_MAX_READ = 1024 * 1024
_CHUNKED_READ = 64 * 1024
_HEADERS_READ = 8 * 1024

_BARE_LF = re.compile(rb"(?<!\r)\n")


class Limit(Enum):
    """Limit that ended a reception before the request was complete."""

    HEADERS = "The headers are too long."
    BODY = "The body is too large."
    CHUNKS = "The body has too many chunks."
    TIME = "The body arrived too slowly."
    ROOM = "The worker holds too many bodies."


class Reception:
    """The bytes of one request as they arrive.

    Attributes:
        is_complete: True if Gunicorn's parser can take the request now.
        is_truncated: True if it is complete although bytes of the request are missing.
        limit: Limit that ended the reception; None if the request is whole, looks wrong, or
            announces a body that the application rejects by its length.
        num_bytes: Bytes received so far.
        deadline: Latest time for more bytes, in seconds of `time.monotonic`.
        start: First bytes; they include the request line if the reception is complete.
        awaits_continue: True if the client waits for "100 Continue" before it sends the body.
    """

    __slots__ = (
        *("is_complete", "is_truncated", "limit", "num_bytes", "deadline", "awaits_continue"),
        *("start", "_max_body_bytes", "_buffer", "_missing", "_chunks", "_body_deadline"),
    )

    def __init__(self, max_body_bytes: int, now: float) -> None:
        self.is_complete = self.is_truncated = self.awaits_continue = False
        self.limit: Limit | None = None
        self.num_bytes = 0
        self.deadline = now + MAX_SILENCE_SECONDS
        self.start = b""
        self._max_body_bytes = max_body_bytes
        self._buffer = PieceBuffer()
        self._missing = 0
        self._chunks: Chunks | None = None
        self._body_deadline = 0.0

    @property
    def has_headers(self) -> bool:
        """True if all headers have arrived."""
        return bool(self._buffer)

    @property
    def wanted(self) -> int:
        """Number of bytes to ask the socket for; at most the rest of a body of known length."""
        if not self._buffer:
            return _HEADERS_READ
        return _CHUNKED_READ if self._chunks else min(self._missing, _MAX_READ)

    def feed(self, data: bytes, now: float) -> bool:
        """Add received bytes; return whether the reception is complete."""
        self.num_bytes += len(data)
        if not self._buffer:
            self._feed_headers(data, now)
        else:
            self._buffer.add(data)
            if self._chunks:
                self._feed_chunks(data, 0)
            else:
                self._missing -= len(data)
                self.is_complete = self._missing <= 0
        if self._buffer and not self.is_complete:
            self.deadline = min(
                now + MAX_SILENCE_SECONDS,
                self._body_deadline + self.num_bytes / MIN_BYTES_PER_SECOND,
            )
        return self.is_complete

    def truncate(self, limit: Limit | None) -> None:
        """End the reception; with a limit, drop the bytes of the unfinished body."""
        self.limit = limit
        self.is_complete = self.is_truncated = True
        if limit:
            self._buffer.drop_body()

    def take(self) -> list[bytes]:
        """Return the received pieces in order, the first with all headers, and forget them."""
        return self._buffer.take() or [self.start]

    def _feed_headers(self, data: bytes, now: float) -> None:
        searched = max(0, len(self.start) - 3)
        start = self.start = self.start + data if self.start else data
        end = start.find(b"\r\n\r\n", searched)
        if end >= 0:
            self._buffer.start(start)
            self._body_deadline = now + BODY_SECONDS
            self._start_body(start[: end + 2].lower(), end + 4)
        elif len(start) > MAX_HEADER_BYTES:
            self.truncate(Limit.HEADERS)
        elif _BARE_LF.search(start, searched):
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
            self._missing = length - (len(self.start) - end)
            # The application rejects a body that is too large by its announced length.
            self.is_truncated = self._missing > 0 and length > self._max_body_bytes
            self.is_complete = self._missing <= 0 or self.is_truncated
        if not self.is_complete and len(self.start) == end:
            self.awaits_continue = expects_continue(headers)

    def _feed_chunks(self, data: bytes, start: int) -> None:
        chunks = self._chunks
        assert chunks  # noqa: S101  for mypy
        self.is_complete = chunks.feed(data, start)
        # Extensions and sizes of chunks may take as many bytes again as the content.
        max_bytes = 2 * self._max_body_bytes + MAX_HEADER_BYTES
        if chunks.num_bytes > self._max_body_bytes or self.num_bytes > max_bytes:
            self.truncate(Limit.BODY)
        elif chunks.count > MAX_CHUNKS:
            self.truncate(Limit.CHUNKS)
