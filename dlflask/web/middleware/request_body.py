"""The request body as the application reads it; errors in it are reported as the client's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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

#: What a client is told to wait where the worker has no room for its body, in seconds.
_RETRY_SECONDS = 2


class BrokenBody(BadRequest):
    """Chunks without a proper size or end, or a connection that broke off."""

    description = (
        "The request body is not valid chunked encoding, or the connection was lost. Send the "
        "request again."
    )


class TooManyChunks(BadRequest):
    """Chunks so small that their sizes take longer to read than the image."""

    description = (
        "The request body has more than 100,000 chunks. Send it in larger ones, or with "
        "Content-Length."
    )


class BodyTooLarge(RequestEntityTooLarge):
    """A chunked body that grew beyond the limit."""


class SlowBody(RequestTimeout):
    """The body did not arrive in time."""

    description = (
        "The request body did not arrive in time. Send it again over a faster connection, or "
        "send a smaller image."
    )


class NoRoom(ServiceUnavailable):
    """The worker holds as many bytes of bodies as it may."""

    description = "The service is receiving too many images at once. Try again in 2 seconds."

    def __init__(self) -> None:
        super().__init__(retry_after=_RETRY_SECONDS)


class Body:
    """`wsgi.input`, as PEP 3333 asks for it, around gunicorn's; its errors become `BrokenBody`."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, or all that are left.

        Raises:
            BrokenBody: The rest cannot be read. So do the other methods.
        """
        return _guarded(self._stream.read, size)

    def readline(self, size: int = -1) -> bytes:
        """Return the next line, or up to `size` bytes of it."""
        return _guarded(self._stream.readline, size)

    def readlines(self, hint: int = -1) -> list[bytes]:
        """Return the lines that are left; stop after `hint` bytes where that is positive."""
        lines, num_bytes = [], 0
        for line in self:
            lines.append(line)
            num_bytes += len(line)
            if 0 < hint <= num_bytes:
                break
        return lines

    def __iter__(self) -> Iterator[bytes]:
        """Iterate over the lines that are left."""
        return iter(self.readline, b"")


def _guarded(read: Callable[[int], T], size: int) -> T:
    try:
        return read(size)
    except (HTTPException, MemoryError):  # the server's own: too slow, too large, without room
        raise
    except Exception as error:  # each server has exceptions of its own for a broken body
        raise BrokenBody from error


def guard_body(application: Application) -> Application:
    """`application`, given a `Body` to read."""

    def guarded(environ: Environ, start_response: Any) -> Iterable[bytes]:
        environ["wsgi.input"] = Body(environ["wsgi.input"])
        return application(environ, start_response)

    return guarded
