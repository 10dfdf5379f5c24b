"""Connection whose reads and writes never make a thread wait for the client.

Gunicorn's parser reads from `ReceivedBytes`, which the main loop fills. Responses go through
`HeaderBufferSocket`; the main loop sends what the client did not accept at once.
"""

from __future__ import annotations

import socket
from collections import deque
from enum import Enum
from typing import Any

from gunicorn.http.errors import LimitRequestHeaders
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import Unreader
from gunicorn.workers.gthread import TConn

from dlflask.server.connections.reception import Limit, Reception
from dlflask.web.middleware.request_body import BodyTooLarge, NoRoom, SlowBody, TooManyChunks

#: Exception that the parser or the application gets when it reads beyond a truncated request.
_ERRORS = {
    Limit.HEADERS: lambda: LimitRequestHeaders(Limit.HEADERS.value),
    Limit.BODY: BodyTooLarge,
    Limit.CHUNKS: TooManyChunks,
    Limit.TIME: SlowBody,
    Limit.ROOM: NoRoom,
}


class ReceivedBytes(Unreader):  # type: ignore[misc]  # Gunicorn is untyped
    """Source of Gunicorn's parser: the bytes that the main loop has received, never the socket.

    Attributes:
        is_exhausted: True if the parser asked for more bytes than there were. The start of the next
            request is then unknown, and the connection must close.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_exhausted = False
        self._pieces: deque[bytes] = deque()
        self._limit: Limit | None = None

    def add(self, reception: Reception) -> None:
        """Append the bytes of `reception`."""
        self._pieces.extend(reception.take())
        self._limit = reception.limit

    def chunk(self, size_hint: int | None = None) -> bytes:  # noqa: ARG002  Gunicorn's interface
        """Return the next piece, or nothing at the end.

        Raises:
            Exception: The reception was ended by a limit; raised once, at the end of its bytes.
        """
        if self._pieces:
            return self._pieces.popleft()
        self.is_exhausted = True
        limit, self._limit = self._limit, None
        if limit:
            error: Exception = _ERRORS[limit]()
            raise error
        return b""

    def take_rest(self) -> bytes:
        """Remove and return the bytes received after the request (HTTP pipelining)."""
        rest = self.take_buffered() + b"".join(self._pieces)
        self._pieces.clear()
        return rest


class Phase(Enum):
    """Work that the main loop does for a connection; `gunicorn_worker` gives their order."""

    RECEIVING = 1
    SENDING = 2
    LINGERING = 3


class Connection(TConn):  # type: ignore[misc]  # Gunicorn is untyped
    """Plain-text HTTP/1 connection, with the state that the main loop keeps for it.

    Attributes:
        source: Bytes that Gunicorn's parser reads.
        reception: The request that is being received or handled.
        unsent: Bytes of the response that the client has not accepted yet.
        outcome: Future of the handled request, while its response is being sent.
        phase: Current work of the main loop.
        since: Start of that phase, in seconds of `time.monotonic`.
        deadline: Latest time for the client to read or send something.
        last_deadline: Latest time for the client to read or send everything.
        is_polled: True if this package registered it with the poller. Idle kept-alive connections
            are registered by Gunicorn.
        held_bytes: Bytes of this connection in the worker's total.
        num_discarded: Bytes received after the response and discarded.
    """

    def __init__(self, cfg: Any, sock: socket.socket, client: Any, server: Any) -> None:
        super().__init__(cfg, sock, client, server)
        self.initialized = True
        self.parser = RequestParser(cfg, (), client)
        self.parser.unreader = self.source = ReceivedBytes()
        self.reception: Reception
        self.unsent = bytearray()
        self.outcome: Any = None
        self.phase = Phase.RECEIVING
        self.since = self.deadline = self.last_deadline = 0.0
        self.is_polled = False
        self.held_bytes = self.num_discarded = 0

    def init(self) -> None:
        """Keep the parser; Gunicorn's method would create one that reads from the socket."""
