"""Middleware that reports malformed or truncated request bodies as errors of the client."""

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

#: Value of Retry-After if the worker cannot hold another body, in seconds.
_RETRY_SECONDS = 2

#: Most bytes of a rejected body that are read so that the client can read the response; then the
#: connection is closed.
MAX_DRAINED_BYTES = 64 * 1024 * 1024
_PIECE_BYTES = 64 * 1024


class BrokenBody(BadRequest):
    """The chunked encoding is not valid, or the connection was lost."""

    description = (
        "The request body is not valid chunked encoding, or the connection was lost. Send the "
        "request again."
    )


class TooManyChunks(BadRequest):
    """The chunks are so small that their sizes take longer to read than the image."""

    description = (
        "The request body has more than 100,000 chunks. Send larger chunks, or send the header "
        "Content-Length."
    )


class BodyTooLarge(RequestEntityTooLarge):
    """A chunked body became larger than the limit."""


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
    """`wsgi.input` as PEP 3333 requires; raises `BrokenBody` in place of Gunicorn's errors."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, or the whole rest.

        Raises:
            BrokenBody: The rest cannot be read. The other methods raise it too.
        """
        return _read(self._stream.read, size)

    def readline(self, size: int = -1) -> bytes:
        """Return the next line, or up to `size` bytes of it."""
        return _read(self._stream.readline, size)

    def readlines(self, hint: int = -1) -> list[bytes]:
        """Return the remaining lines; stop after `hint` bytes if that is positive."""
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
    except (HTTPException, MemoryError):  # the server's own: too slow, too large, without room
        raise
    except Exception as error:  # each server has its own exceptions for a broken body
        raise BrokenBody from error


def drain_body(body: IO[bytes]) -> None:
    """Read and discard the rest of a rejected body, up to `MAX_DRAINED_BYTES`.

    Most clients send the whole body before they read the response.
    """
    with suppress(BrokenBody):
        for _ in range(MAX_DRAINED_BYTES // _PIECE_BYTES):
            if not body.read(_PIECE_BYTES):
                return


def report_body_errors(application: Application) -> Application:
    """Wrap `application` so that it reads the request from a `Body`."""

    def reporting(environ: Environ, start_response: Any) -> Iterable[bytes]:
        environ["wsgi.input"] = Body(environ["wsgi.input"])
        return application(environ, start_response)

    return reporting
