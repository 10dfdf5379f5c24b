"""Socket wrapper that sends the headers of a response together with its body.

Gunicorn sends headers and body in two calls. If the container dies between them, NGINX has already
forwarded the headers and can no longer retry on another replica. A single call closes that window.
"""

from __future__ import annotations

import socket
from typing import IO, Any

#: End of the headers; Gunicorn passes all headers of a response to one `sendall`.
_END_OF_HEADERS = b"\r\n\r\n"


class HeaderBufferSocket:
    """Socket for one response that holds the headers back until the first bytes of the body.

    Args:
        connection: The socket to write to.
        unsent: Receives the bytes that the kernel does not accept at once, so that the thread does
            not wait for the client. With None the call waits, as TLS needs.
    """

    def __init__(self, connection: socket.socket, unsent: bytearray | None = None) -> None:
        self._connection = connection
        self._unsent = unsent
        self._headers: bytes | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def sendall(self, data: bytes) -> None:
        """Send like `socket.sendall`, but hold the headers back until the next call."""
        if self._headers is None and data.endswith(_END_OF_HEADERS):
            self._headers = data
        elif data:
            headers, self._headers = self._headers or b"", b""
            self._write(headers + data)

    def sendfile(self, file: IO[bytes], offset: int = 0, count: int | None = None) -> int:
        """Send part of a file after the headers; the files of this service are small."""
        file.seek(offset)
        data = file.read(-1 if count is None else count)
        self.sendall(data)
        return len(data)

    def flush(self) -> None:
        """Send the headers of a response without a body."""
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
    """Send as much as the kernel accepts without waiting; return the number of bytes sent."""
    try:
        return connection.send(data, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return 0
