"""Gunicorn's threaded worker, in which a request takes a thread only once it is whole.

The main loop receives requests, sends what clients take slowly and closes connections, all without
waiting for any client. The threads only compute.
"""

from __future__ import annotations

import re
import sys
import time
from typing import Any

from dlflask.server.connection import Connection, WholeAnswer
from dlflask.server.pool import Pool
from dlflask.server.receiving import ReceivingWorker

#: Health checks and metrics have a thread of their own, so they never wait behind images.
_FOR_MACHINES = re.compile(rb"(?:GET|HEAD) /(?:livez|readyz|metrics|v2/health/[a-z]{1,5})[ ?]")


class Outcome:
    """What became of a request, as gunicorn reads it from a future."""

    def __init__(self, *, is_kept: Any) -> None:
        self._is_kept = is_kept

    def result(self) -> Any:
        """Return what `handle` returned."""
        return self._is_kept

    def cancelled(self) -> bool:
        """Return False: nothing is cancelled."""
        return False


class Worker(ReceivingWorker):
    """What gunicorn.conf.py names as `worker_class`."""

    alive: bool

    def get_thread_pool(self) -> Pool:
        """Start the threads, and one more for health checks."""
        self.health_pool = Pool(1, self._work)
        return Pool(self.cfg.threads, self._work)

    def enqueue_req(self, conn: Any) -> None:
        """Hand a request to a thread; gunicorn's own connections (TLS) read it there."""
        is_received = isinstance(conn, Connection) and not conn.reception.is_cut
        is_for_machines = is_received and _FOR_MACHINES.match(conn.reception.head)
        (self.health_pool if is_for_machines else self.tpool).submit(conn)

    def _work(self, conn: Any) -> None:
        try:
            is_kept = self.handle(conn)
        except Exception as error:  # noqa: BLE001  the thread and the connection must not be lost
            self._note(error)
            is_kept = False
        self.method_queue.defer(self.finish_request, conn, Outcome(is_kept=is_kept))

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Answer one request; return whether its connection is kept.

        Where that raises, headers that were kept back are not sent: the client sees a closed
        connection and no half of a response.
        """
        connection = conn.sock
        unsent = None
        if isinstance(conn, Connection):
            unsent = conn.unsent
            # The main loop has sent it where the client waited.
            req._expected_100_continue = False  # noqa: SLF001
            if conn.reception.is_cut:
                req.force_close()
        conn.sock = whole = WholeAnswer(connection, unsent)
        try:
            is_kept: bool = super().handle_request(req, conn)
            whole.flush()
        finally:
            conn.sock = connection
        return is_kept

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer an error that left the application, and look whether memory ran out."""
        self._note(exc)
        super().handle_error(req, client, addr, exc)

    def _note(self, error: BaseException) -> None:
        if isinstance(error, MemoryError):
            self.retire("a request ran out of memory")

    def retire(self, reason: str) -> None:
        """Take no more connections, finish the requests in hand and end; the master starts another.

        A worker that has run out of memory may have lost threads and what they held.
        """
        if self.alive:
            self.alive = False
            self.log.error("Worker %s is replaced: %s", self.pid, reason)
            self.method_queue.defer(lambda: None)

    def notify(self) -> None:
        """Tell the master that the worker lives, unless no thread is left to handle requests."""
        if self.tpool.is_alive:
            super().notify()

    def murder_pending(self) -> None:
        """Look after connections and threads; gunicorn calls this in each turn of its loops."""
        super().murder_pending()
        now = time.monotonic()
        if now >= self.next_sweep:
            self.sweep(now)
            self._check_threads()

    def _check_threads(self) -> None:
        for thread in self.tpool.take_dead() + self.health_pool.take_dead():
            self.retire("a thread died")
            if thread.connection is not None:
                self.finish_request(thread.connection, Outcome(is_kept=False))
        if not self.tpool.is_alive:
            self.log.error("Worker %s ends now: no thread is left", self.pid)
            sys.exit(1)
