"""Middleware that reports malformed or truncated request bodies as the client's errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import IO, Any, TypeVar

from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    RequestEntityTooLarge,
    RequestTimeout,
    ServiceUnavailable,
)

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]
T = TypeVar("T")

#: Value of Retry-After in seconds, if the worker does not have memory for another body.
_RETRY_SECONDS = 2

#: Maximum number of bytes of a rejected body that the service reads and discards before closing the
#: connection. Most clients read the response only after sending the whole body.
MAX_DRAINED_BYTES = 64 * 1024 * 1024

#: Number of bytes of a rejected body that are read at a time.
_PIECE_BYTES = 64 * 1024


class BrokenBody(BadRequest):
    """The chunked encoding is not valid, or the connection was lost."""

    description = (
        "The request body is not valid chunked encoding, or the connection was lost. Send the "
        "request again."
    )


class TooManyChunks(BadRequest):
    """The body has so many small chunks that parsing them takes longer than reading the image."""

    description = (
        "The request body has more than 100,000 chunks. Send larger chunks, or send the header "
        "Content-Length."
    )


class BodyTooLarge(RequestEntityTooLarge):
    """The chunks received so far exceed the size limit of a body."""


class SlowBody(RequestTimeout):
    """The body did not arrive in time."""

    description = (
        "The request body did not arrive in time. Send it again over a faster connection, or "
        "send a smaller image."
    )


class NoRoom(ServiceUnavailable):
    """The worker already holds as many bytes of request bodies as its limit allows."""

    description = "The service is receiving too many images at once. Try again in 2 seconds."

    def __init__(self) -> None:
        super().__init__(retry_after=_RETRY_SECONDS)


class Body:
    """Stream for `wsgi.input`, with the methods that PEP 3333 requires.

    The methods raise `BrokenBody` instead of the exceptions of the server.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes, or all remaining bytes if `size` is negative.

        Raises:
            BrokenBody: The remaining bytes cannot be read.
        """
        return _read(self._stream.read, size)

    def readline(self, size: int = -1) -> bytes:
        """Return the next line, or at most `size` bytes of it if `size` is not negative."""
        return _read(self._stream.readline, size)

    def readlines(self, hint: int = -1) -> list[bytes]:
        """Return the remaining lines. If `hint` is positive, stop after at least `hint` bytes."""
        lines, num_bytes = [], 0
        for line in self:
            lines.append(line)
            num_bytes += len(line)
            if 0 < hint <= num_bytes:
                break
        return lines

    def __iter__(self) -> Iterator[bytes]:
        """Iterate over the remaining lines."""
        return iter(self.readline, b"")


def _read(read: Callable[[int], T], size: int) -> T:
    try:
        return read(size)
    except (HTTPException, MemoryError):  # these already lead to the right response
        raise
    except Exception as error:  # the exceptions differ between servers
        raise BrokenBody from error


def drain_body(body: IO[bytes]) -> None:
    """Read and discard the rest of a rejected body, at most `MAX_DRAINED_BYTES`."""
    with suppress(BrokenBody):
        for _ in range(MAX_DRAINED_BYTES // _PIECE_BYTES):
            if not body.read(_PIECE_BYTES):
                return


def report_body_errors(application: Application) -> Application:
    """Wrap `application` so that it reads the request body through `Body`."""

    def reporting(environ: Environ, start_response: Any) -> Iterable[bytes]:
        environ["wsgi.input"] = Body(environ["wsgi.input"])
        return application(environ, start_response)

    return reporting
