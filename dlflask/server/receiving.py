"""The part of the worker's main loop that receives requests, sends slow responses and closes."""

from __future__ import annotations

import errno
import selectors
import socket
import time
from functools import partial
from typing import Any

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from dlflask.server.connection import Connection, Phase, send_some
from dlflask.server.reception import Limit, Reception

#: Bytes of requests and responses that a worker holds in all; gunicorn.conf.py bounds its memory.
#: Beyond, the oldest incomplete request of more than `SMALL_BYTES` is answered 503. An honest
#: one is whole soon; the oldest is most likely one that is held open on purpose.
MAX_HELD_BYTES = 128 * 1024 * 1024
SMALL_BYTES = 64 * 1024

#: Largest body where the application does not say.
MAX_BODY_BYTES = 16 * 1024 * 1024 + SMALL_BYTES

#: After the last byte of a response, what the client still sends is read and dropped, so that it
#: gets to see the response: most clients send all of their body before they read.
LINGER_SECONDS = 2
MAX_LINGER_SECONDS = 30
MAX_LINGER_BYTES = 64 * 1024 * 1024
#: A response must have been taken by then, and the kernel have room for more of it meanwhile: it
#: tells only after a third of its buffer was read. No thread waits for it.
MAX_SENDING_SECONDS = 300
MAX_STALL_SECONDS = 60

#: How often connections and threads are looked after, in seconds.
_SWEEP_SECONDS = 0.5
#: A connection younger than this is not closed to make room for another.
_YOUNG_SECONDS = 1

_ACCEPT_AGAIN = (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK)
_DISCARD_BYTES = 64 * 1024
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class ReceivingWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn's worker, whose main loop receives requests instead of the threads.

    Attributes:
        max_body_bytes: A request with a larger body is handed over before it is whole, for the
            application to reject.
        held_bytes: Of all connections.
        next_sweep: When to look after connections again, in seconds of `time.monotonic`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.max_body_bytes = MAX_BODY_BYTES
        self.held_bytes = 0
        self.next_sweep = 0.0
        # Connections that the main loop receives on, sends to or drains, the oldest first.
        self._in_loop: dict[Connection, None] = {}
        self._next_step = {
            Phase.RECEIVING: self._read,
            Phase.SENDING: self._send_rest,
            Phase.LINGERING: self._discard,
        }
        cfg = self.cfg
        self._receives = not cfg.is_ssl and (
            (cfg.protocol, cfg.proxy_protocol, cfg.http2_cleartext) == ("http", "off", "off")
        )

    def accept(self, listener: Any) -> None:
        """Accept a connection and receive what is there; TLS and HTTP/2 go gunicorn's own way."""
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
            self._make_place()
        self._start(conn)

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        """Begin with the next request of a connection that was kept."""
        if not isinstance(conn, Connection):
            super().on_client_socket_readable(conn, client)
            return
        try:
            self.keepalived_conns.remove(conn)
        except ValueError:  # An event before this one has closed it, to make place.
            return
        self.poller.unregister(client)
        self._start(conn)

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Send what is left of the response, then keep the connection or close it."""
        if not isinstance(conn, Connection):
            super().finish_request(conn, fs)
            return
        self._hold(conn, len(conn.unsent))
        conn.outcome = fs
        if conn.unsent:
            conn.sock.settimeout(0)
            self._enter(conn, Phase.SENDING, MAX_STALL_SECONDS, MAX_SENDING_SECONDS)
            self._send_rest(conn)
        else:
            self._finish(conn)

    def sweep(self, now: float) -> None:
        """Give up the connections whose time is over."""
        self.next_sweep = now + _SWEEP_SECONDS
        for conn in list(self._in_loop):
            reception = conn.reception
            if conn.phase is not Phase.RECEIVING:
                if now > min(conn.deadline, conn.last_deadline):
                    self._drop(conn)
                continue
            if not (self.alive or reception.num_bytes):
                reception.deadline = min(reception.deadline, now + STOP_KEEPALIVE_LINGER)
            if now > reception.deadline:
                self._cut(conn, Limit.TIME)
        if self.nr_conns >= self.worker_connections:
            self._make_place()

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
            self._make_room(conn)
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
                self._cut(conn, None)

    def _feed(self, conn: Connection, data: bytes) -> None:
        reception = conn.reception
        if reception.feed(data, time.monotonic()):
            self._hand_over(conn)
            return
        self._hold(conn, reception.num_bytes)
        if reception.awaits_continue:
            reception.awaits_continue = False
            try:
                conn.sock.sendall(_CONTINUE)
            except OSError:  # also where the client does not read: it is not waited for
                self._drop(conn)
                return
        self._poll(conn, selectors.EVENT_READ)

    def _cut(self, conn: Connection, limit: Limit | None) -> None:
        """Answer a request that is not whole, and close where its headers are missing."""
        is_answered = conn.reception.has_head or (limit is None and conn.reception.num_bytes)
        if is_answered:
            conn.reception.cut(limit)
            self._hand_over(conn)
        else:
            self._drop(conn)

    def _hand_over(self, conn: Connection) -> None:
        self._leave(conn)
        self._hold(conn, 0 if conn.reception.limit else conn.reception.num_bytes)
        conn.source.add(conn.reception)
        self.enqueue_req(conn)

    def _send_rest(self, conn: Connection) -> None:
        try:
            sent = send_some(conn.sock, conn.unsent)
        except OSError:
            self._drop(conn)
            return
        del conn.unsent[:sent]
        self._hold(conn, len(conn.unsent))
        if conn.unsent:
            if sent:
                conn.deadline = time.monotonic() + MAX_STALL_SECONDS
            self._poll(conn, selectors.EVENT_WRITE)
        else:
            self._leave(conn)
            self._finish(conn)

    def _finish(self, conn: Connection) -> None:
        if not conn.outcome.result() or conn.source.is_exhausted:
            self._linger(conn)
        elif rest := conn.source.take_rest():
            conn.sock.settimeout(0)
            self._start(conn, rest)
        else:
            super().finish_request(conn, conn.outcome)

    def _linger(self, conn: Connection) -> None:
        """Close without cutting the response off: RFC 9112, 9.6."""
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
            data: bytes | None = conn.sock.recv(_DISCARD_BYTES)
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

    def _make_room(self, newest: Connection) -> None:
        for conn in self._in_loop:
            if conn.phase is Phase.SENDING and len(conn.unsent) > SMALL_BYTES:
                self._drop(conn)
                return
            if conn.phase is Phase.RECEIVING and conn.reception.num_bytes > SMALL_BYTES:
                self._cut(conn, Limit.ROOM)
                return
        self._cut(newest, Limit.ROOM)

    def _make_place(self) -> None:
        """Close the connection that has waited longest, so that idle ones keep nobody out."""
        before = time.monotonic() - _YOUNG_SECONDS
        oldest = next(iter(self._in_loop), None)
        if oldest is not None and oldest.since < before:
            self._drop(oldest)
        elif self.keepalived_conns:
            conn = self.keepalived_conns[0]
            if conn.timeout - self.cfg.keepalive < before:
                self.keepalived_conns.popleft()
                self.poller.unregister(conn.sock)
                self.nr_conns -= 1
                conn.close()

    def _enter(self, conn: Connection, phase: Phase, stall: float = 0, whole: float = 0) -> None:
        conn.phase = phase
        conn.since = time.monotonic()
        conn.deadline = conn.since + stall
        conn.last_deadline = conn.since + whole
        self._in_loop[conn] = None

    def _leave(self, conn: Connection) -> None:
        self._in_loop.pop(conn, None)
        if conn.is_polled:
            self.poller.unregister(conn.sock)
            conn.is_polled = False

    def _poll(self, conn: Connection, events: int) -> None:
        if not conn.is_polled:
            conn.is_polled = True
            self.poller.register(conn.sock, events, partial(self._on_event, conn))

    def _on_event(self, conn: Connection, _: Any) -> None:
        # An event before this one may have closed the connection or given it to a thread.
        if conn.is_polled:
            self._next_step[conn.phase](conn)

    def _hold(self, conn: Connection, num_bytes: int) -> None:
        self.held_bytes += num_bytes - conn.held_bytes
        conn.held_bytes = num_bytes

    def _drop(self, conn: Connection) -> None:
        self._leave(conn)
        self._hold(conn, 0)
        self.nr_conns -= 1
        conn.close()
