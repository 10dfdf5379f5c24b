"""A client's connection, on which no thread ever waits for the client.

Gunicorn's parser reads what the main loop has received, and then the end. A response is written as
far as the client takes it; the main loop sends the rest.
"""

from __future__ import annotations

import socket
from collections import deque
from enum import Enum
from typing import IO, Any

from gunicorn.http.errors import LimitRequestHeaders
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import Unreader
from gunicorn.workers.gthread import TConn

from dlflask.server.reception import Limit, Reception
from dlflask.web.middleware.request_body import BodyTooLarge, NoRoom, SlowBody, TooManyChunks

#: Gunicorn writes the headers of a response whole, and they end so.
_END_OF_HEAD = b"\r\n\r\n"

_ENDINGS = {
    Limit.HEAD: lambda: LimitRequestHeaders(Limit.HEAD.value),
    Limit.BODY: BodyTooLarge,
    Limit.CHUNKS: TooManyChunks,
    Limit.TIME: SlowBody,
    Limit.ROOM: NoRoom,
}


class ReceivedBytes(Unreader):  # type: ignore[misc]  # gunicorn has no types
    """What gunicorn's parser reads: the bytes that were received, never the socket.

    Attributes:
        is_exhausted: Whether the parser asked for more than there was. Where the next request
            starts is unknown then, and the connection must close.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_exhausted = False
        self._pieces: deque[bytes] = deque()
        self._limit: Limit | None = None

    def add(self, reception: Reception) -> None:
        """Read from `reception` next."""
        self._pieces.extend(reception.take())
        self._limit = reception.limit

    def chunk(self, size_hint: int | None = None) -> bytes:  # noqa: ARG002  gunicorn's interface
        """Return the next piece; raise the limit that cut the request short, once, else end."""
        if self._pieces:
            return self._pieces.popleft()
        self.is_exhausted = True
        limit, self._limit = self._limit, None
        if limit:
            error: Exception = _ENDINGS[limit]()
            raise error
        return b""

    def take_rest(self) -> bytes:
        """Return what was received behind the request."""
        rest = self.take_buffered() + b"".join(self._pieces)
        self._pieces.clear()
        return rest


class Phase(Enum):
    """What the main loop does with a connection."""

    RECEIVING = 1
    SENDING = 2
    LINGERING = 3


class Connection(TConn):  # type: ignore[misc]  # gunicorn has no types
    """A connection without TLS; the main loop keeps its state here.

    Attributes:
        source: What gunicorn's parser reads.
        reception: Of the request that is being received or handled.
        unsent: What the client has not yet taken of the response.
        outcome: What became of the request, while the response is being sent.
        phase: What the main loop does with it, and since when in seconds of `time.monotonic`.
        deadline: When the client must have read or sent something.
        last_deadline: When it must have read or sent everything.
        is_polled: Whether the poller knows it, other than as kept for a next request.
        held_bytes: Of this connection, as the worker counts them.
        num_discarded: Received after the response, and dropped.
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
        """Leave the parser as it is: gunicorn would let it read from the socket."""


class WholeAnswer:
    """A socket for one response: headers and body go by one call, and the client is not waited for.

    Gunicorn sends them in two calls. If the container dies between them, NGINX can no longer retry
    on another replica. One call is also 10 µs less.

    Args:
        connection: The socket to write to.
        unsent: Takes what the client does not take at once; None lets the call wait (TLS).
    """

    def __init__(self, connection: socket.socket, unsent: bytearray | None = None) -> None:
        self._connection = connection
        self._unsent = unsent
        self._head: bytes | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def sendall(self, data: bytes) -> None:
        """Send as a socket does, but keep the headers back until something follows them."""
        if self._head is None and data.endswith(_END_OF_HEAD):
            self._head = data
        elif data:
            head, self._head = self._head or b"", b""
            self._write(head + data)

    def sendfile(self, file: IO[bytes], offset: int = 0, count: int | None = None) -> int:
        """Send part of a file, the headers before it; files here have some kilobytes."""
        file.seek(offset)
        data = file.read(-1 if count is None else count)
        self.sendall(data)
        return len(data)

    def flush(self) -> None:
        """Send headers that nothing came after."""
        if self._head:
            self._write(self._head)
            self._head = b""

    def _write(self, data: bytes) -> None:
        if self._unsent is None:
            self._connection.sendall(data)
        elif self._unsent:
            self._unsent += data
        else:
            sent = send_some(self._connection, data)
            self._unsent += data[sent:]


def send_some(connection: socket.socket, data: bytes | bytearray) -> int:
    """Send as much as the client takes now; return how many bytes that were."""
    try:
        return connection.send(data, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return 0
