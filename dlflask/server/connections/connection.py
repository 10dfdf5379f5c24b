"""Connection in which no thread waits for the client.

The main loop fills `ReceivedBytes`, from which Gunicorn's parser reads. A thread writes its
response to `HeaderBufferSocket`. The main loop later sends the bytes that the kernel did not accept
at once.
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

#: For each limit, a function that returns its exception. The parser or the application gets this
#: exception when it reads beyond the end of a truncated request.
_ERRORS = {
    Limit.HEADERS: lambda: LimitRequestHeaders(Limit.HEADERS.value),
    Limit.BODY: BodyTooLarge,
    Limit.CHUNKS: TooManyChunks,
    Limit.TIME: SlowBody,
    Limit.ROOM: NoRoom,
}


class ReceivedBytes(Unreader):  # type: ignore[misc]  # Gunicorn is untyped
    """Input of Gunicorn's parser. It reads bytes that the main loop has received, not the socket.

    Attributes:
        is_exhausted: True if the parser asked for more bytes than were received. The start of the
            next request is then unknown, so the connection must close.
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
        """Return the next piece, or an empty piece at the end.

        Raises:
            Exception: A limit ended the reception. The exception comes once, after the last piece.
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
    """Task of the main loop for a connection. `gunicorn_worker` describes the order of phases."""

    RECEIVING = 1
    SENDING = 2
    LINGERING = 3


class Connection(TConn):  # type: ignore[misc]  # Gunicorn is untyped
    """Plain-text HTTP/1 connection, with the state that the main loop keeps for it.

    Attributes:
        source: Bytes that Gunicorn's parser reads.
        reception: Bytes of the request that is being received or handled.
        unsent: Bytes of the response that the kernel has not accepted yet.
        outcome: Finished future of the request whose response is being sent.
        phase: Current task of the main loop for this connection.
        since: Start of `phase`, in seconds of `time.monotonic`.
        deadline: Latest time for the client to read or send at least one byte, in the same unit.
        last_deadline: Latest time for the end of `phase`, in the same unit.
        is_polled: True if this package registered the connection with the poller. Gunicorn itself
            registers idle kept-alive connections.
        held_bytes: Number of bytes that this connection adds to `PollingWorker.held_bytes`.
        num_discarded: Number of bytes that were received after the response and discarded.
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
        """Keep the parser. Gunicorn's method would create a parser that reads from the socket."""
