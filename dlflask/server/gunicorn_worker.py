"""Gunicorn's threaded worker, which sends an answer's head and body by one call.

By two, an answer may be cut between them: a container that is frozen or killed just then has sent
half of it, and half an answer is no longer NGINX's to ask for again elsewhere. One call is also
10 µs less.
"""

from __future__ import annotations

import socket
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

#: What a head ends with; gunicorn writes it whole.
_END_OF_HEAD = b"\r\n\r\n"


class WholeAnswer:
    """A socket for one answer, which keeps its head back until there is something to go with it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._head: bytes | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def sendall(self, data: bytes) -> None:
        """As a socket does, but for what comes first, if that is a head."""
        if self._head is None and data.endswith(_END_OF_HEAD):
            self._head = data
        elif data:
            head, self._head = self._head or b"", b""
            self._connection.sendall(head + data)

    def sendfile(self, *args: Any, **options: Any) -> int:
        """As a socket does, the head before it."""
        self.flush()
        return self._connection.sendfile(*args, **options)

    def flush(self) -> None:
        """Send a head that nothing came after."""
        if self._head:
            self._connection.sendall(self._head)
            self._head = b""


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """What gunicorn.conf.py names as `worker_class`."""

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Answer one request; whether its connection is kept.

        Where that raises, a head that was kept back is not sent: who asked sees a closed
        connection and no half of an answer.
        """
        connection = conn.sock
        conn.sock = whole = WholeAnswer(connection)
        try:
            is_kept: bool = super().handle_request(req, conn)
            whole.flush()
        finally:
            conn.sock = connection
        return is_kept
