"""Whether a request's work is still worth doing."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from typing import Any

from dlflask.errors import Abandoned, Expired

#: Of a worker, which has one CPU: one computes, one reads or writes, one is left for health checks.
#: With more, requests wait for each other by chance: the slowest hundredth of 16 connections takes
#: 2.2 times as long as the median, 4.1 with four threads, 6.8 with eight, for 3 % more a second.
THREADS = 3

#: What has waited longer, at a worker that is busy and behind, is left undone: half a second is
#: left for the work itself, which is enough on processors that do nothing else.
MAX_WAIT_SECONDS = 0.5

#: A worker is behind if for so long it was never idle, and no request came to it in less than half
#: of that time. One that is not behind takes what is late all the same: it waited elsewhere, at a
#: replica that is stopping or has died, perhaps with all others that would have come.
BEHIND_SECONDS = 0.3

#: NGINX gives a request up after 30 s: what seems to have waited longer than this has not, but
#: stems from a machine whose clock is wrong.
MAX_BELIEVED_SECONDS = 60

_PEEK = socket.MSG_PEEK | socket.MSG_DONTWAIT


class LoadShedder:
    """What one worker still computes of what comes to it.

    Only where every request is late does leaving some undone help the others.

    Source: K. Nichols, V. Jacobson, Controlling Queue Delay, ACM Queue 10(5), 2012: a queue is told
    by the least of its recent delays.
    """

    def __init__(self) -> None:
        self._kept_up = time.monotonic()

    def check(self, environ: Mapping[str, Any], requests_in_work: float, busy_since: float) -> None:
        """Look at the clock and at the connection, once the body has been read; takes 2 µs.

        Args:
            environ: Of the request.
            requests_in_work: In this worker, this one included.
            busy_since: When it was last idle, in seconds of `time.monotonic`.

        Raises:
            Expired: NGINX took the request longer than `MAX_WAIT_SECONDS` ago, the worker is busy
                and behind.
            Abandoned: The client has closed the connection.
        """
        waited = _seconds_waited(environ.get("HTTP_X_REQUEST_START", ""))
        if waited < MAX_WAIT_SECONDS / 2:
            self._kept_up = time.monotonic()
        elif requests_in_work >= THREADS and MAX_WAIT_SECONDS < waited < MAX_BELIEVED_SECONDS:
            self._check_pace(waited, busy_since)
        self.check_connection(environ)

    def check_connection(self, environ: Mapping[str, Any]) -> None:
        """Look at the connection alone, as between the steps of a long request.

        Raises:
            Abandoned: The client has closed the connection.
        """
        if _is_closed(environ.get("gunicorn.socket")):
            raise Abandoned(
                "The connection was closed before the answer was ready. Keep it open, in both "
                "directions, until the answer has come."
            )

    def _check_pace(self, waited: float, busy_since: float) -> None:
        if time.monotonic() - max(self._kept_up, busy_since) > BEHIND_SECONDS:
            raise Expired(
                f"The request waited {waited:.1f} s for its turn, and {MAX_WAIT_SECONDS} s are as "
                "much as is kept waiting. Send it again a little later."
            )


def _seconds_waited(stamp: str) -> float:
    """From `t=1763856000.123`, in seconds since 1970; 0 where nothing of the kind came."""
    if not stamp.startswith("t="):
        return 0.0
    try:
        return time.time() - float(stamp[2:])
    except ValueError:
        return 0.0


def _is_closed(connection: socket.socket | None) -> bool:
    """Whether the other side has closed: only then is there nothing to read and no wait for it.

    A further request that came in behind this one is left where it is.
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
        # Gunicorn itself speaks TLS on this connection, and what is encrypted cannot be peeked at.
        return False
