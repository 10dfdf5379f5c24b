"""The part of the worker that enforces timeouts."""

from __future__ import annotations

import time
from typing import Any

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER

from dlflask.server.connections.connection import Phase
from dlflask.server.connections.reception import Limit
from dlflask.server.connections.sending import SendingWorker

#: Time in seconds between two sweeps. A sweep checks all connections and threads.
_SWEEP_SECONDS = 0.5


class SweepingWorker(SendingWorker):
    """Ends the connections in the main loop whose deadline has passed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._next_sweep = 0.0

    def murder_pending(self) -> None:
        """Sweep at regular intervals. Gunicorn calls this method in each round of its main loop."""
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
                # The worker is stopping, so wait only briefly for a client that has sent nothing.
                reception.deadline = min(reception.deadline, now + STOP_KEEPALIVE_LINGER)
            if now > reception.deadline:
                self._truncate(conn, Limit.TIME)
        if self.nr_conns >= self.worker_connections:
            self._close_oldest()
