"""Load shedding: reject requests that waited too long, or whose client has disconnected."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from typing import Any

from dlflask.errors import Abandoned, Expired

#: Number of threads of a worker that handle requests. A worker has one CPU, so many threads would
#: interrupt each other. With three threads, the slowest of 100 requests takes 2.2 times as long as
#: the median. With eight threads, the slowest takes 6.8 times as long, for 3 % more throughput.
THREADS = 3

#: Maximum time in seconds that a request may wait for a busy and overloaded worker. NGINX sends a
#: replica (container) at most 80 requests at a time. A replica that handles 140 requests per second
#: needs 0.57 s for 80 requests. With a limit of 0.5 s, the replica rejected many of these requests
#: just before their turn. As a result, it used only 83 % of its capacity.
MAX_WAIT_SECONDS = 0.6

#: A request is late if it has waited for at least `MAX_WAIT_SECONDS / 2`. A worker is overloaded if
#: it was never idle, and all its requests were late, for this number of seconds. A worker that is
#: not overloaded serves late requests, too. Something else has delayed them, for example a replica
#: that is shutting down.
OVERLOAD_SECONDS = 0.3

#: Minimum number of consecutive late requests before a worker counts as overloaded. A few costly
#: images can cause three late requests in half a second. Under overload, dozens of requests are
#: late in this time.
OVERLOAD_REQUESTS = 10

#: Waiting times of more than this number of seconds are ignored. NGINX gives up much earlier
#: (nginx/conf.d/local.conf), so a longer waiting time means that a clock is wrong.
MAX_CREDIBLE_SECONDS = 60

#: Flags for `recv`: leave the bytes in the socket, and do not wait for bytes.
_PEEK = socket.MSG_PEEK | socket.MSG_DONTWAIT


class LoadShedder:
    """Load shedding for one worker.

    Rejecting late requests helps only if the queue never becomes empty. A request that is not late
    shows that the queue was almost empty, so no request is rejected soon after it.

    Source: K. Nichols, V. Jacobson, Controlling Queue Delay, ACM Queue 10(5), 2012.
    """

    def __init__(self) -> None:
        self._last_on_time = time.monotonic()
        self._num_late = 0

    def check(self, environ: Mapping[str, Any], num_in_flight: float, busy_since: float) -> None:
        """Raise an error if the request should be rejected.

        Call this after reading the body, because unread bytes hide that the client has
        disconnected.

        Args:
            environ: WSGI environ of the request.
            num_in_flight: Number of requests in this worker, including the current request.
            busy_since: Time since which the worker is not idle, in seconds of `time.monotonic`.

        Raises:
            Expired: NGINX received the request more than `MAX_WAIT_SECONDS` ago, and the worker is
                busy and overloaded.
            Abandoned: The client has closed the connection.
        """
        waited = _seconds_waited(environ.get("HTTP_X_REQUEST_START", ""))
        if waited < MAX_WAIT_SECONDS / 2:
            self._last_on_time = time.monotonic()
            self._num_late = 0
        else:
            self._num_late += 1
            if num_in_flight >= THREADS and MAX_WAIT_SECONDS < waited < MAX_CREDIBLE_SECONDS:
                self._check_overload(waited, busy_since)
        self.check_connection(environ)

    def check_connection(self, environ: Mapping[str, Any]) -> None:
        """Raise an error if the client has disconnected. Call this between steps of a long request.

        Raises:
            Abandoned: The client has closed the connection.
        """
        if _is_closed(environ.get("gunicorn.socket")):
            raise Abandoned(
                "The connection was closed before the response was ready. Do not close "
                "it, or its sending side, until the response has arrived."
            )

    def _check_overload(self, waited: float, busy_since: float) -> None:
        seconds = time.monotonic() - max(self._last_on_time, busy_since)
        if seconds > OVERLOAD_SECONDS and self._num_late >= OVERLOAD_REQUESTS:
            raise Expired(
                f"The request waited {waited:.1f} s for the overloaded service; the limit is "
                f"{MAX_WAIT_SECONDS} s. Send the request again a little later."
            )


def _seconds_waited(stamp: str) -> float:
    """Return the seconds since a time stamp such as `t=1763856000.123` (Unix time).

    NGINX sends the time at which it received the request. Return 0 for an absent or invalid stamp.
    """
    if not stamp.startswith("t="):
        return 0.0
    try:
        return time.time() - float(stamp[2:])
    except ValueError:
        return 0.0


def _is_closed(connection: socket.socket | None) -> bool:
    """Return True if the client has closed the connection.

    If `recv` returns zero bytes, the connection is closed. If `recv` raises `BlockingIOError`, the
    connection is open and idle. If the client has already sent its next request, `_PEEK` leaves
    this request in the socket.
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
        # This is a TLS connection, whose socket does not support the flags.
        return False
