"""Gunicorn's threaded worker, in which only a complete request occupies a thread.

In Gunicorn's gthread worker a thread reads the request from the socket and writes the response. A
few slow clients can therefore occupy all threads. In this worker the main loop reads and writes
without waiting for any client, and the threads only compute. The phases of a connection (`Phase`):

    accept ─> RECEIVING ─> thread ─> SENDING ─> kept alive ─> RECEIVING ...
                 │                      └─────> LINGERING ─> closed
                 └─> closed

1. RECEIVING (`receiving.py`): the main loop reads into a `Reception` until the request is complete
   or a limit ends the reception (`reception.py`). If headers are still missing at the deadline, the
   main loop closes the connection.
2. A thread runs Gunicorn's `handle`, which parses the request, calls the application and writes the
   response. The thread sends the bytes that the kernel accepts at once (`header_buffer.py`).
3. SENDING (`sending.py`): the main loop sends the rest of the response. Most responses do not need
   this step.
4. If the connection is kept alive, Gunicorn holds it until the next request. The next request
   begins with step 1.
5. LINGERING (`closing.py`): if the connection is not kept alive, the main loop reads and discards
   the bytes that the client still sends. Then the main loop closes the connection.

`sweeping.py` enforces the deadlines of steps 1, 3 and 5. Gunicorn's own code handles connections
with TLS or HTTP/2. NGINX does not use TLS or HTTP/2 between itself and the service.

This package overrides the following methods of Gunicorn's `ThreadWorker`.
tests/server/test_gunicorn_contract.py checks that Gunicorn has them, with the same parameters.

| method | reason |
|---|---|
| `accept`, `on_client_socket_readable` | receive in the main loop instead of in a thread |
| `enqueue_req`, `get_thread_pool` | notice dead threads; reserve one thread for health checks |
| `handle_request` | send headers and body in one call that does not wait |
| `handle_error` | replace a worker that has run out of memory |
| `finish_request` | send the rest of the response; discard bytes before closing |
| `murder_pending` | enforce deadlines and check threads |
| `notify` | let Gunicorn's master process replace a worker without threads |
"""

from __future__ import annotations

import re
import sys
from typing import Any

from dlflask.server.connections.connection import Connection
from dlflask.server.connections.header_buffer import HeaderBufferSocket
from dlflask.server.connections.sweeping import SweepingWorker
from dlflask.server.pool import Pool

#: Start of requests for health and metrics. These requests have their own thread, so they never
#: wait for images.
_HEALTH_REQUEST = re.compile(rb"(?:GET|HEAD) /(?:livez|readyz|metrics|v2/health/[a-z]{1,5})[ ?]")


class Outcome:
    """Finished future of a request, with the methods that `ThreadWorker.finish_request` calls."""

    def __init__(self, *, keeps_alive: Any) -> None:
        self._keeps_alive = keeps_alive

    def result(self) -> Any:
        """Return the result of `ThreadWorker.handle`: True if the connection is kept alive."""
        return self._keeps_alive

    def cancelled(self) -> bool:
        """Return False, because requests are never cancelled."""
        return False


class Worker(SweepingWorker):
    """Worker class that gunicorn.conf.py names."""

    def get_thread_pool(self) -> Pool:
        """Start the threads, and one additional thread for health checks."""
        self.health_pool = Pool(1, self._work)
        return Pool(self.cfg.threads, self._work)

    def enqueue_req(self, conn: Any) -> None:
        """Hand a request to a thread. With TLS or HTTP/2 the thread also receives the request."""
        is_received = isinstance(conn, Connection) and not conn.reception.is_truncated
        is_health_check = is_received and _HEALTH_REQUEST.match(conn.reception.start)
        (self.health_pool if is_health_check else self.tpool).submit(conn)

    def _work(self, conn: Any) -> None:
        try:
            keeps_alive = self.handle(conn)
        except Exception as error:  # noqa: BLE001  keep the thread, close the connection
            self._retire_if_out_of_memory(error)
            keeps_alive = False
        self.method_queue.defer(self.finish_request, conn, Outcome(keeps_alive=keeps_alive))

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Handle one request. Return True if its connection is kept alive.

        If the application raises an exception before the body, do not send the headers. The client
        then gets a closed connection instead of half a response.
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
        """Respond after an exception, and replace the worker if it has run out of memory."""
        self._retire_if_out_of_memory(exc)
        super().handle_error(req, client, addr, exc)

    def _retire_if_out_of_memory(self, error: BaseException) -> None:
        if isinstance(error, MemoryError):
            self.retire("a request ran out of memory")

    def notify(self) -> None:
        """Tell Gunicorn's master process that the worker is alive, unless all threads have died."""
        if self.tpool.is_alive:
            super().notify()

    def sweep(self, now: float) -> None:
        """End connections whose deadline is before `now`. If a thread died, replace the worker."""
        super().sweep(now)
        for thread in self.tpool.take_dead() + self.health_pool.take_dead():
            self.retire("a thread died")
            if thread.connection is not None:
                self.finish_request(thread.connection, Outcome(keeps_alive=False))
        if not self.tpool.is_alive:
            self.log.error("Worker %s exits: all its threads have died", self.pid)
            sys.exit(1)
