"""Load shedding: rejection of requests that waited too long or whose client has disconnected."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from typing import Any

from dlflask.errors import Abandoned, Expired

#: Threads of a worker that handle requests. A worker has one CPU, on which more threads interrupt
#: each other: with eight, the slowest of 100 requests takes 6.8 times as long as the median instead
#: of 2.2 times, for 3 % more throughput.
THREADS = 3

#: Longest wait for a busy and overloaded worker, in seconds. NGINX sends a replica up to 80
#: requests at a time; a replica that handles 140 a second needs 0.57 s for them. With a limit of
#: 0.5 s, it rejected many of them just before their turn: it handled 83 % of what it could.
MAX_WAIT_SECONDS = 0.6

#: A worker is overloaded if, for this many seconds, it was never idle and every request had already
#: waited at least `MAX_WAIT_SECONDS / 2`. A worker that keeps up still serves late requests: they
#: were delayed elsewhere, for example by a replica that is shutting down.
OVERLOAD_SECONDS = 0.3

#: Late requests in a row before a worker counts as overloaded. Beside a few costly images, three
#: late requests in half a second mean a slow moment; under overload there are dozens.
OVERLOAD_REQUESTS = 10

#: Longer waits are ignored, in seconds. NGINX gives up much earlier (nginx/conf.d/local.conf), so a
#: longer wait means that a clock is wrong.
MAX_CREDIBLE_SECONDS = 60

_PEEK = socket.MSG_PEEK | socket.MSG_DONTWAIT


class LoadShedder:
    """Load shedding for one worker.

    Rejecting requests helps only if all of them are late, so the shortest recent wait decides.

    Source: K. Nichols, V. Jacobson, Controlling Queue Delay, ACM Queue 10(5), 2012.
    """

    def __init__(self) -> None:
        self._kept_up = time.monotonic()
        self._num_late = 0

    def check(self, environ: Mapping[str, Any], num_in_flight: float, busy_since: float) -> None:
        """Raise an error if the request should be rejected. Call this after reading the body.

        Args:
            environ: WSGI environ of the request.
            num_in_flight: Number of requests in this worker, including this one.
            busy_since: Time when the worker was last idle, in seconds of `time.monotonic`.

        Raises:
            Expired: The request waited longer than `MAX_WAIT_SECONDS` since NGINX received it, and
                the worker is busy and overloaded.
            Abandoned: The client has closed the connection.
        """
        waited = _seconds_waited(environ.get("HTTP_X_REQUEST_START", ""))
        if waited < MAX_WAIT_SECONDS / 2:
            self._kept_up = time.monotonic()
            self._num_late = 0
        else:
            self._num_late += 1
            if num_in_flight >= THREADS and MAX_WAIT_SECONDS < waited < MAX_CREDIBLE_SECONDS:
                self._check_overload(waited, busy_since)
        self.check_connection(environ)

    def check_connection(self, environ: Mapping[str, Any]) -> None:
        """Raise an error if the client has disconnected. Long requests call this between steps.

        Raises:
            Abandoned: The client has closed the connection.
        """
        if _is_closed(environ.get("gunicorn.socket")):
            raise Abandoned(
                "The connection was closed before the response was ready. Keep it open in both "
                "directions until the response has arrived."
            )

    def _check_overload(self, waited: float, busy_since: float) -> None:
        seconds = time.monotonic() - max(self._kept_up, busy_since)
        if seconds > OVERLOAD_SECONDS and self._num_late >= OVERLOAD_REQUESTS:
            raise Expired(
                f"The request waited {waited:.1f} s for the overloaded service; the limit is "
                f"{MAX_WAIT_SECONDS} s. Send it again a little later."
            )


def _seconds_waited(stamp: str) -> float:
    """Return the seconds since a stamp like `t=1763856000.123` (Unix time), 0 if invalid."""
    if not stamp.startswith("t="):
        return 0.0
    try:
        return time.time() - float(stamp[2:])
    except ValueError:
        return 0.0


def _is_closed(connection: socket.socket | None) -> bool:
    """Return True if the client has closed the connection.

    A peek that returns no bytes means closed; `BlockingIOError` means open and idle. The bytes of a
    pipelined request are left in place.
    """
    if connection is None:
        return False
    try:
        return connection.recv(1, _PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    except ValueError:
        # Gunicorn terminates TLS on this connection, and an SSL socket does not support peeking.
        return False
