"""Decide from the bytes received so far whether a request is whole, without any socket.

The worker's main loop feeds a `Reception` until the request is complete; only then does it take a
thread. Gunicorn's parser alone decides how the bytes are read. Whatever looks wrong or ambiguous
here counts as complete, so that the parser rejects it: two readings of one request never compete.
"""

from __future__ import annotations

import re
from enum import Enum

from dlflask.server.chunks import MAX_HEAD_BYTES, Chunks

#: Seconds in which the headers must arrive, and the longest silence in a body. NGINX has the same
#: in nginx/conf.d/limits.conf.
MAX_SILENCE_SECONDS = 10

#: A body gets this time plus one second for every `MIN_BYTES_PER_SECOND` received, so a client that
#: sends a byte now and then is cut off.
BODY_SECONDS = 20
MIN_BYTES_PER_SECOND = 32_000

#: Gunicorn takes some microseconds for each chunk; clients send 4 kB or more in one.
MAX_CHUNKS = 100_000

#: One `recv` of a body asks for at most so much, in bytes.
_MAX_READ = 1024 * 1024
_CHUNKED_READ = 64 * 1024
#: Gunicorn's parser copies what it gets with the headers several times.
_HEAD_READ = 8 * 1024
#: Pieces smaller than this are joined, since each costs 40 bytes beside its content.
_SMALL_PIECE = 4 * 1024

_BARE_LF = re.compile(rb"(?<!\r)\n")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n")
_EXPECT = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n")


class Limit(Enum):
    """Why a reception was ended before the request was whole."""

    HEAD = "The headers are too long."
    BODY = "The body is too large."
    CHUNKS = "The body has too many chunks."
    TIME = "The body arrived too slowly."
    ROOM = "The worker holds too many bodies."


class Reception:
    """The bytes of one request as they arrive.

    Attributes:
        is_complete: Whether gunicorn's parser is to have it now.
        is_cut: Whether it is complete although bytes of the request are missing.
        limit: The limit that ended it; None where the request is whole, looks wrong, or announces
            a body that the application rejects by its length.
        num_bytes: Received so far.
        deadline: When to give up, in seconds of `time.monotonic`.
        head: The first bytes, at least the request line where the reception is complete.
        awaits_continue: Whether the client waits for "100 Continue" before it sends the body.
    """

    __slots__ = (
        *("is_complete", "is_cut", "limit", "num_bytes", "deadline", "awaits_continue", "head"),
        *("_max_body_bytes", "_pieces", "_tail", "_missing", "_chunks", "_body_deadline"),
    )

    def __init__(self, max_body_bytes: int, now: float) -> None:
        self.is_complete = self.is_cut = self.awaits_continue = False
        self.limit: Limit | None = None
        self.num_bytes = 0
        self.deadline = now + MAX_SILENCE_SECONDS
        self._max_body_bytes = max_body_bytes
        self.head = b""
        self._pieces: list[bytes] = []
        self._tail = bytearray()
        self._missing = 0
        self._chunks: Chunks | None = None
        self._body_deadline = 0.0

    @property
    def has_head(self) -> bool:
        """Whether all headers have arrived."""
        return bool(self._pieces)

    @property
    def wanted(self) -> int:
        """How many bytes to ask the socket for: never more than a body of known length has."""
        if not self._pieces:
            return _HEAD_READ
        return _CHUNKED_READ if self._chunks else min(self._missing, _MAX_READ)

    def feed(self, data: bytes, now: float) -> bool:
        """Add what was received; return whether the reception is complete."""
        self.num_bytes += len(data)
        if not self._pieces:
            self._feed_head(data, now)
        else:
            self._keep(data)
            if self._chunks:
                self._feed_chunks(data, 0)
            else:
                self._missing -= len(data)
                self.is_complete = self._missing <= 0
        if self._pieces and not self.is_complete:
            self.deadline = min(
                now + MAX_SILENCE_SECONDS,
                self._body_deadline + self.num_bytes / MIN_BYTES_PER_SECOND,
            )
        return self.is_complete

    def cut(self, limit: Limit | None) -> None:
        """End the reception; the bytes of an unfinished body are dropped with a limit."""
        self.limit = limit
        self.is_complete = self.is_cut = True
        if limit:
            del self._pieces[1:]
            self._tail.clear()

    def take(self) -> list[bytes]:
        """Give away the pieces received, in order, the first with all headers."""
        pieces, self._pieces = self._pieces or [self.head], []
        if self._tail:
            pieces.append(bytes(self._tail))
            self._tail.clear()
        return pieces

    def _feed_head(self, data: bytes, now: float) -> None:
        start = max(0, len(self.head) - 3)
        head = self.head = self.head + data if self.head else data
        end = head.find(b"\r\n\r\n", start)
        if end >= 0:
            self._pieces.append(head)
            self._body_deadline = now + BODY_SECONDS
            self._end_head(head[: end + 2].lower(), end + 4)
        elif len(head) > MAX_HEAD_BYTES:
            self.cut(Limit.HEAD)
        elif _BARE_LF.search(head, start):
            self.is_complete = True

    def _end_head(self, head: bytes, end: int) -> None:
        lengths = head.count(b"\r\ncontent-length:")
        codings = head.count(b"\r\ntransfer-encoding:")
        self.is_complete = True
        if lengths == 1 and not codings:
            if found := _LENGTH.search(head):
                self._start_length(int(found[1]), len(self.head) - end)
        elif codings and not lengths and _is_chunked(head):
            self.is_complete = False
            self._chunks = Chunks()
            self._feed_chunks(self.head, end)
        if not self.is_complete:
            waits = b" http/1.1\r\n" in head and _EXPECT.search(head)
            self.awaits_continue = bool(waits) and len(self.head) == end

    def _start_length(self, length: int, received: int) -> None:
        self._missing = length - received
        self.is_complete = self._missing <= 0
        if length > self._max_body_bytes:
            self.is_cut = not self.is_complete
            self.is_complete = True

    def _feed_chunks(self, data: bytes, start: int) -> None:
        chunks = self._chunks
        assert chunks  # noqa: S101  for mypy
        self.is_complete = chunks.feed(data, start)
        # Extensions and sizes of chunks may take as much again as the content.
        room = 2 * self._max_body_bytes + MAX_HEAD_BYTES
        if chunks.num_bytes > self._max_body_bytes or self.num_bytes > room:
            self.cut(Limit.BODY)
        elif chunks.count > MAX_CHUNKS:
            self.cut(Limit.CHUNKS)

    def _keep(self, data: bytes) -> None:
        if len(data) < _SMALL_PIECE:
            self._tail += data
            if len(self._tail) < _CHUNKED_READ:
                return
            data = b""
        if self._tail:
            self._pieces.append(bytes(self._tail))
            self._tail.clear()
        if data:
            self._pieces.append(data)


def _is_chunked(head: bytes) -> bool:
    value = head[head.rfind(b"\r\ntransfer-encoding:") + 20 :].partition(b"\r\n")[0]
    return value.rpartition(b",")[2].strip(b" \t") == b"chunked"
