"""Socket wrapper that sends the headers of a response together with its body.

Gunicorn sends headers and body in two calls. If the container dies between the two calls, NGINX has
already forwarded the headers and cannot repeat the request on another replica. With a single call,
NGINX gets all of a short response or nothing.
"""

from __future__ import annotations

import socket
from typing import IO, Any

#: End of the headers. Gunicorn sends all headers of a response in one call of `sendall`.
_END_OF_HEADERS = b"\r\n\r\n"


class HeaderBufferSocket:
    """Socket for one response. It keeps the headers until the first bytes of the body arrive.

    Args:
        connection: The socket to write to.
        unsent: Buffer for the bytes that the kernel does not accept at once, so that the thread
            does not wait for the client. None with TLS: the thread then waits.
    """

    def __init__(self, connection: socket.socket, unsent: bytearray | None = None) -> None:
        self._connection = connection
        self._unsent = unsent
        self._headers: bytes | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def sendall(self, data: bytes) -> None:
        """Send like `socket.sendall`, but keep the headers until the next call."""
        if self._headers is None and data.endswith(_END_OF_HEADERS):
            self._headers = data
        elif data:
            headers, self._headers = self._headers or b"", b""
            self._write(headers + data)

    def sendfile(self, file: IO[bytes], offset: int = 0, count: int | None = None) -> int:
        """Send part of a file. Read it into memory first, because the service's files are small."""
        file.seek(offset)
        data = file.read(-1 if count is None else count)
        self.sendall(data)
        return len(data)

    def flush(self) -> None:
        """Send the headers if `sendall` kept them and the response does not have a body."""
        if self._headers:
            self._write(self._headers)
            self._headers = b""

    def _write(self, data: bytes) -> None:
        if self._unsent is None:
            self._connection.sendall(data)
        elif self._unsent:
            self._unsent += data
        else:
            sent = send_some(self._connection, data)
            self._unsent += data[sent:]


def send_some(connection: socket.socket, data: bytes | bytearray) -> int:
    """Send the bytes that the kernel accepts without waiting, and return their number."""
    try:
        return connection.send(data, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return 0
