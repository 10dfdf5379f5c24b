"""The part of the worker that sends responses to clients that read slowly."""

from __future__ import annotations

import selectors
import time
from typing import Any

from dlflask.server.connections.connection import Connection, Phase
from dlflask.server.connections.header_buffer import send_some
from dlflask.server.connections.receiving import ReceivingWorker

#: Maximum time in seconds until the client has accepted the whole response. The limit can be high,
#: because no thread waits for the client.
MAX_SENDING_SECONDS = 300
#: Maximum time in seconds for which the kernel does not accept any bytes. The kernel reports free
#: space only after the client has read a third of the buffer. A slow client may need many seconds
#: for that.
MAX_STALL_SECONDS = 60


class SendingWorker(ReceivingWorker):
    """Sends the rest of a response in the main loop, then keeps or closes the connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._next_step[Phase.SENDING] = self._send_rest

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Send the rest of the response, then keep the connection or close it."""
        if not isinstance(conn, Connection):
            super().finish_request(conn, fs)
            return
        self._count_held(conn, len(conn.unsent))
        conn.outcome = fs
        if conn.unsent:
            conn.sock.settimeout(0)
            self._enter(conn, Phase.SENDING, MAX_STALL_SECONDS, MAX_SENDING_SECONDS)
            self._send_rest(conn)
        else:
            self._finish(conn)

    def _send_rest(self, conn: Connection) -> None:
        try:
            sent = send_some(conn.sock, conn.unsent)
        except OSError:
            self._drop(conn)
            return
        del conn.unsent[:sent]
        self._count_held(conn, len(conn.unsent))
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
