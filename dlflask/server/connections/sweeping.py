"""The part of the worker that enforces timeouts."""

from __future__ import annotations

import time
from typing import Any

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER

from dlflask.server.connections.connection import Phase
from dlflask.server.connections.reception import Limit
from dlflask.server.connections.sending import SendingWorker

#: Time between two checks of all connections and threads, in seconds.
_SWEEP_SECONDS = 0.5


class SweepingWorker(SendingWorker):
    """Ends the connections in the main loop whose time is over."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._next_sweep = 0.0

    def murder_pending(self) -> None:
        """Sweep now and then; Gunicorn calls this in each turn of its main loops."""
        super().murder_pending()
        now = time.monotonic()
        if now >= self._next_sweep:
            self._next_sweep = now + _SWEEP_SECONDS
            self.sweep(now)

    def sweep(self, now: float) -> None:
        """End the connections whose deadline is before `now`, in seconds of `time.monotonic`."""
        for conn in list(self._in_loop):
            if conn.phase is not Phase.RECEIVING:
                if now > min(conn.deadline, conn.last_deadline):
                    self._drop(conn)
                continue
            reception = conn.reception
            if not (self.alive or reception.num_bytes):
                # The worker is stopping: do not wait for a client that has not sent anything.
                reception.deadline = min(reception.deadline, now + STOP_KEEPALIVE_LINGER)
            if now > reception.deadline:
                self._truncate(conn, Limit.TIME)
        if self.nr_conns >= self.worker_connections:
            self._close_oldest()
