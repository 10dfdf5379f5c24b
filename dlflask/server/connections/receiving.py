"""The part of the worker that accepts connections and receives requests."""

from __future__ import annotations

import errno
import selectors
import time
from typing import Any

from dlflask.server.connections.closing import ClosingWorker
from dlflask.server.connections.connection import Connection, Phase
from dlflask.server.connections.reception import Limit, Reception

#: Most bytes of requests and responses that a worker holds; gunicorn.conf.py bounds its memory.
#: Above it, the oldest connection with more than `SMALL_BYTES` is ended: a request gets 503, a
#: response is cut off. A normal request is complete soon, so the oldest is probably held open on
#: purpose.
MAX_HELD_BYTES = 128 * 1024 * 1024
SMALL_BYTES = 64 * 1024

#: Largest body, in bytes, unless gunicorn.conf.py passes on the application's limit.
MAX_BODY_BYTES = 16 * 1024 * 1024 + SMALL_BYTES

#: Errors of `accept` that mean that the client or another worker was faster.
_ACCEPT_AGAIN = (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK)
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class ReceivingWorker(ClosingWorker):
    """Receives requests in the main loop and hands each to a thread when it is complete.

    Attributes:
        max_body_bytes: Largest body to receive, in bytes. A request that announces a larger one is
            handed over without it, for the application to reject.
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
        """Accept a connection and start to receive; leave TLS and HTTP/2 to Gunicorn."""
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
        except ValueError:  # `_close_oldest` closed it earlier in this turn.
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
            except OSError:  # Also raised if the client does not read and its buffer is full.
                self._drop(conn)
                return
        self._poll(conn, selectors.EVENT_READ)

    def _truncate(self, conn: Connection, limit: Limit | None) -> None:
        """Hand over an incomplete request, or close the connection if headers are missing."""
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
        """End the oldest large request or response; see `MAX_HELD_BYTES`."""
        for conn in self._in_loop:
            if conn.phase is Phase.SENDING and len(conn.unsent) > SMALL_BYTES:
                self._drop(conn)
                return
            if conn.phase is Phase.RECEIVING and conn.reception.num_bytes > SMALL_BYTES:
                self._truncate(conn, Limit.ROOM)
                return
        self._truncate(newest, Limit.ROOM)
