"""The part of the worker that closes connections."""

from __future__ import annotations

import selectors
import socket
import time
from typing import Any

from dlflask.server.connections.connection import Connection, Phase
from dlflask.server.connections.polling import PollingWorker

#: After its last response, a connection is closed when no bytes have arrived for this many seconds.
#: Most clients send their whole body before they read the response. If the worker closed the
#: connection at once, the kernel would reset it when more bytes arrive. The client would then lose
#: the response.
LINGER_SECONDS = 2
#: Maximum time in seconds for which the worker reads and discards bytes after a response.
MAX_LINGER_SECONDS = 30
#: Maximum number of bytes that the worker reads and discards after a response.
MAX_LINGER_BYTES = 64 * 1024 * 1024
#: Maximum number of bytes in one read.
_MAX_DISCARD_READ = 64 * 1024

#: Minimum time in seconds that a connection has waited before the worker closes it to make room for
#: a new connection.
_MIN_AGE_SECONDS = 1


class ClosingWorker(PollingWorker):
    """Closes connections after their last response. If there are too many, closes the oldest."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._next_step[Phase.LINGERING] = self._discard

    def _linger(self, conn: Connection) -> None:
        """Stop sending. Read until the client closes, so that the client gets the whole response.

        Source: RFC 9112, section 9.6.
        """
        try:
            conn.sock.settimeout(0)
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(conn)
            return
        conn.num_discarded = 0
        self._enter(conn, Phase.LINGERING, LINGER_SECONDS, MAX_LINGER_SECONDS)
        self._discard(conn)

    def _discard(self, conn: Connection) -> None:
        try:
            data: bytes | None = conn.sock.recv(_MAX_DISCARD_READ)
        except BlockingIOError:
            data = None
        except OSError:
            data = b""
        conn.num_discarded += len(data or b"")
        if data == b"" or conn.num_discarded > MAX_LINGER_BYTES:
            self._drop(conn)
            return
        conn.deadline = time.monotonic() + LINGER_SECONDS
        self._poll(conn, selectors.EVENT_READ)

    def _close_oldest(self) -> None:
        """Close the connection that has waited longest, so that a new client can connect."""
        latest_start = time.monotonic() - _MIN_AGE_SECONDS
        oldest = next(iter(self._in_loop), None)
        if oldest is not None and oldest.since < latest_start:
            self._drop(oldest)
        elif self.keepalived_conns:
            conn = self.keepalived_conns[0]
            if conn.timeout - self.cfg.keepalive < latest_start:
                self.keepalived_conns.popleft()
                self.poller.unregister(conn.sock)
                self.nr_conns -= 1
                conn.close()
