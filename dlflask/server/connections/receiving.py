"""The part of the worker that accepts connections and receives requests."""

from __future__ import annotations

import errno
import selectors
import time
from typing import Any

from dlflask.server.connections.closing import ClosingWorker
from dlflask.server.connections.connection import Connection, Phase
from dlflask.server.connections.reception import Limit, Reception

#: Maximum number of bytes of requests and responses in a worker, because gunicorn.conf.py limits
#: the worker's memory. Above this number the worker ends the oldest connection that holds more than
#: `SMALL_BYTES`. It responds 503 if the request is still arriving, and cuts off a response that is
#: being sent. A normal client finishes soon, so the oldest connection probably belongs to an
#: attacker.
MAX_HELD_BYTES = 128 * 1024 * 1024
#: Connections that hold at most this number of bytes may stay when the worker frees memory.
SMALL_BYTES = 64 * 1024

#: Maximum size of a body in bytes, unless gunicorn.conf.py sets the application's limit.
MAX_BODY_BYTES = 16 * 1024 * 1024 + SMALL_BYTES

#: Errors of `accept` that need no action: another worker has accepted the connection, or the client
#: has closed it.
_ACCEPT_AGAIN = (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK)
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class ReceivingWorker(ClosingWorker):
    """Receives requests in the main loop and hands each complete request to a thread.

    Attributes:
        max_body_bytes: Maximum size of a body in bytes. If a request announces a larger body, the
            application gets only the headers and rejects the request.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.max_body_bytes = MAX_BODY_BYTES
        self._next_step[Phase.RECEIVING] = self._read
        cfg = self.cfg
        self._receives = not cfg.is_ssl and (
            (cfg.protocol, cfg.proxy_protocol, cfg.http2_cleartext) == ("http", "off", "off")
        )

    def accept(self, listener: Any) -> None:
        """Accept a connection and start to receive. Leave TLS and HTTP/2 to Gunicorn."""
        if not self._receives:
            super().accept(listener)
            return
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno not in _ACCEPT_AGAIN:
                raise
            return
        self.nr_conns += 1
        conn = Connection(self.cfg, client, address, listener.getsockname())
        if self.nr_conns >= self.worker_connections:
            self._close_oldest()
        self._start(conn)

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        """Start to receive the next request on a kept-alive connection."""
        if not isinstance(conn, Connection):
            super().on_client_socket_readable(conn, client)
            return
        try:
            self.keepalived_conns.remove(conn)
        except ValueError:  # `_close_oldest` closed it earlier in this round.
            return
        self.poller.unregister(client)
        self._start(conn)

    def _start(self, conn: Connection, received: bytes = b"") -> None:
        conn.reception = Reception(self.max_body_bytes, time.monotonic())
        self._enter(conn, Phase.RECEIVING)
        if received:
            self._feed(conn, received)
        else:
            self._read(conn)

    def _read(self, conn: Connection) -> None:
        reception = conn.reception
        wanted = reception.wanted
        if self.held_bytes > MAX_HELD_BYTES and reception.num_bytes + wanted > SMALL_BYTES:
            self._free_bytes(conn)
            if reception.is_complete:
                return
        try:
            data = conn.sock.recv(wanted)
        except BlockingIOError:
            self._poll(conn, selectors.EVENT_READ)
        except OSError:
            self._drop(conn)
        except MemoryError:
            self._drop(conn)
            self.retire("the main loop ran out of memory")
        else:
            if data:
                self._feed(conn, data)
            else:
                self._truncate(conn, None)

    def _feed(self, conn: Connection, data: bytes) -> None:
        reception = conn.reception
        if reception.feed(data, time.monotonic()):
            self._hand_over(conn)
            return
        self._count_held(conn, reception.num_bytes)
        if reception.awaits_continue:
            reception.awaits_continue = False
            try:
                conn.sock.sendall(_CONTINUE)
            except OSError:  # Also raised if the client does not read and the send buffer is full.
                self._drop(conn)
                return
        self._poll(conn, selectors.EVENT_READ)

    def _truncate(self, conn: Connection, limit: Limit | None) -> None:
        """Hand an incomplete request to a thread, or close its connection without a response.

        Close it if the client sent nothing, or if a limit ended the reception before all headers
        arrived. `limit` is None if the client stopped sending.
        """
        reception = conn.reception
        if reception.has_headers or (limit is None and reception.num_bytes):
            reception.truncate(limit)
            self._hand_over(conn)
        else:
            self._drop(conn)

    def _hand_over(self, conn: Connection) -> None:
        self._leave(conn)
        self._count_held(conn, 0 if conn.reception.limit else conn.reception.num_bytes)
        conn.source.add(conn.reception)
        self.enqueue_req(conn)

    def _free_bytes(self, newest: Connection) -> None:
        """End the oldest large request or response. If all are small, end `newest`'s request."""
        for conn in self._in_loop:
            if conn.phase is Phase.SENDING and len(conn.unsent) > SMALL_BYTES:
                self._drop(conn)
                return
            if conn.phase is Phase.RECEIVING and conn.reception.num_bytes > SMALL_BYTES:
                self._truncate(conn, Limit.ROOM)
                return
        self._truncate(newest, Limit.ROOM)
