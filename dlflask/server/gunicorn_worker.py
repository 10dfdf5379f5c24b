"""Gunicorn's threaded worker, in which only a complete request occupies a thread.

In Gunicorn's gthread worker a thread reads the request from the socket and writes the response, so
a few slow clients can occupy all threads. Here the main loop does both without waiting for any
client, and the threads only compute. The life of a connection (`Phase`):

    accept ─> RECEIVING ─> thread ─> SENDING ─> kept alive ─> RECEIVING ...
                 │                      └─────> LINGERING ─> closed
                 └─> closed

1. RECEIVING (`receiving.py`): the main loop reads into a `Reception` until the request is complete
   or a limit ends it (`reception.py`). Without complete headers the connection is closed.
2. A thread runs Gunicorn's `handle`: parser, application, response. The response goes to the socket
   as far as the kernel accepts it (`header_buffer.py`).
3. SENDING (`sending.py`): the main loop sends the rest. Most responses have none.
4. The connection is kept alive by Gunicorn until its next request (1), or
5. LINGERING (`closing.py`): the main loop reads and discards what the client still sends, then
   closes.

`sweeping.py` enforces the deadlines of 1, 3 and 5. Connections with TLS or HTTP/2 take Gunicorn's
own way; NGINX speaks neither to the service.

Overridden methods of Gunicorn's `ThreadWorker`; tests/server/test_gunicorn_contract.py checks that
they exist with the same parameters:

| method | reason |
|---|---|
| `accept`, `on_client_socket_readable` | receive in the main loop instead of in a thread |
| `enqueue_req`, `get_thread_pool` | threads that can be watched, one reserved for health checks |
| `handle_request` | headers and body in one call that does not wait |
| `handle_error` | replace a worker that has run out of memory |
| `finish_request` | send the rest of the response; linger before closing |
| `murder_pending` | enforce deadlines and check threads |
| `notify` | let the master replace a worker without threads |
"""

from __future__ import annotations

import re
import sys
from typing import Any

from dlflask.server.connections.connection import Connection
from dlflask.server.connections.header_buffer import HeaderBufferSocket
from dlflask.server.connections.sweeping import SweepingWorker
from dlflask.server.pool import Pool

#: Requests of health checks and metrics, which have a thread of their own: they never wait behind
#: images.
_HEALTH_REQUEST = re.compile(rb"(?:GET|HEAD) /(?:livez|readyz|metrics|v2/health/[a-z]{1,5})[ ?]")


class Outcome:
    """Finished future of a request, as `ThreadWorker.finish_request` reads it."""

    def __init__(self, *, keeps_alive: Any) -> None:
        self._keeps_alive = keeps_alive

    def result(self) -> Any:
        """Return the result of `ThreadWorker.handle`."""
        return self._keeps_alive

    def cancelled(self) -> bool:
        """Return False: requests are never cancelled."""
        return False


class Worker(SweepingWorker):
    """Worker class named in gunicorn.conf.py."""

    def get_thread_pool(self) -> Pool:
        """Start the threads, and one more for health checks."""
        self.health_pool = Pool(1, self._work)
        return Pool(self.cfg.threads, self._work)

    def enqueue_req(self, conn: Any) -> None:
        """Hand a request to a thread; Gunicorn's own connections (TLS) are read there."""
        is_received = isinstance(conn, Connection) and not conn.reception.is_truncated
        is_health_check = is_received and _HEALTH_REQUEST.match(conn.reception.start)
        (self.health_pool if is_health_check else self.tpool).submit(conn)

    def _work(self, conn: Any) -> None:
        try:
            keeps_alive = self.handle(conn)
        except Exception as error:  # noqa: BLE001  the thread and the connection must not be lost
            self._retire_after(error)
            keeps_alive = False
        self.method_queue.defer(self.finish_request, conn, Outcome(keeps_alive=keeps_alive))

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Handle one request; return whether its connection is kept alive.

        If the application raises before the body, the headers are not sent either: the client sees
        a closed connection instead of half a response.
        """
        connection = conn.sock
        unsent = None
        if isinstance(conn, Connection):
            unsent = conn.unsent
            # The main loop has sent "100 Continue" already.
            req._expected_100_continue = False  # noqa: SLF001
            if conn.reception.is_truncated:
                req.force_close()
        conn.sock = buffered = HeaderBufferSocket(connection, unsent)
        try:
            keeps_alive: bool = super().handle_request(req, conn)
            buffered.flush()
        finally:
            conn.sock = connection
        return keeps_alive

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer an error that left the application, and replace a worker without memory."""
        self._retire_after(exc)
        super().handle_error(req, client, addr, exc)

    def _retire_after(self, error: BaseException) -> None:
        if isinstance(error, MemoryError):
            self.retire("a request ran out of memory")

    def notify(self) -> None:
        """Tell the master that the worker is alive, unless all threads have died."""
        if self.tpool.is_alive:
            super().notify()

    def sweep(self, now: float) -> None:
        """End overdue connections, and replace a worker that has lost a thread."""
        super().sweep(now)
        for thread in self.tpool.take_dead() + self.health_pool.take_dead():
            self.retire("a thread died")
            if thread.connection is not None:
                self.finish_request(thread.connection, Outcome(keeps_alive=False))
        if not self.tpool.is_alive:
            self.log.error("Worker %s exits: all its threads have died", self.pid)
            sys.exit(1)
