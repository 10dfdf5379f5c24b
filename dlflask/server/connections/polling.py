"""Base class of the worker. It lists the connections in the main loop and counts their bytes."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from dlflask.server.connections.connection import Connection, Phase


class PollingWorker(ThreadWorker):  # type: ignore[misc]  # Gunicorn is untyped
    """Gunicorn's threaded worker with a table of the connections in the main loop.

    Attributes:
        held_bytes: Number of bytes of all requests and responses that the connections hold.
    """

    alive: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.held_bytes = 0
        # Used as an ordered set. The first connection has been in its phase longest.
        self._in_loop: dict[Connection, None] = {}
        # The method that continues each phase. Each subclass adds the method of its phase.
        self._next_step: dict[Phase, Callable[[Connection], None]] = {}

    def retire(self, reason: str) -> None:
        """Stop accepting connections, finish the current requests and exit.

        Gunicorn's master process then starts another worker. A worker that has run out of memory
        must not continue, because its threads may have died while they held locks.
        """
        if self.alive:
            self.alive = False
            self.log.error("Worker %s is replaced: %s", self.pid, reason)
            self.method_queue.defer(lambda: None)  # wakes the main loop

    def _enter(self, conn: Connection, phase: Phase, stall: float = 0, whole: float = 0) -> None:
        """Start a phase that may last `whole` seconds, and `stall` seconds without progress.

        RECEIVING does not use these values, because `Reception` has its own deadline.
        """
        conn.phase = phase
        conn.since = time.monotonic()
        conn.deadline = conn.since + stall
        conn.last_deadline = conn.since + whole
        self._in_loop[conn] = None

    def _leave(self, conn: Connection) -> None:
        """Remove the connection from the main loop."""
        self._in_loop.pop(conn, None)
        if conn.is_polled:
            self.poller.unregister(conn.sock)
            conn.is_polled = False

    def _poll(self, conn: Connection, events: int) -> None:
        if not conn.is_polled:
            conn.is_polled = True
            self.poller.register(conn.sock, events, partial(self._on_event, conn))

    def _on_event(self, conn: Connection, _: Any) -> None:
        # An earlier event in this round may have closed the connection or passed it to a thread.
        if conn.is_polled:
            self._next_step[conn.phase](conn)

    def _count_held(self, conn: Connection, num_bytes: int) -> None:
        self.held_bytes += num_bytes - conn.held_bytes
        conn.held_bytes = num_bytes

    def _drop(self, conn: Connection) -> None:
        """Close the connection at once."""
        self._leave(conn)
        self._count_held(conn, 0)
        self.nr_conns -= 1
        conn.close()
