"""A request's body in, the same out, with what is broken in it told as the client's fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import IO, Any

from gunicorn.http.errors import ParseException
from werkzeug.exceptions import BadRequest

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]


class BrokenBody(BadRequest):
    """Chunks without a proper size or end, or a connection that broke off."""

    description = "The body of the request is broken: its chunks are no chunks. Send it again."


class Body:
    """What gunicorn reads from the socket; its parser's errors would pass for the service's own."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """As a file does.

        Raises:
            BrokenBody: There is no reading on.
        """
        try:
            return self._stream.read(size)
        except (ParseException, OSError) as fault:
            raise BrokenBody from fault


def guard_body(application: Application) -> Application:
    """`application`, given a `Body` to read."""

    def guarded(environ: Environ, start_response: Any) -> Iterable[bytes]:
        environ["wsgi.input"] = Body(environ["wsgi.input"])
        return application(environ, start_response)

    return guarded
