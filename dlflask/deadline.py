"""Time limit of a request with several images."""

from __future__ import annotations

import time

from dlflask.errors import OutOfTime

#: Time limit of one request in seconds. The last image that begins within the limit may take two
#: more seconds, and all later images get an error. The limit plus these two seconds must be below
#: proxy_read_timeout in nginx/conf.d/local.conf.
MAX_SECONDS = 6


def compute_deadline() -> float:
    """Return the deadline of a request that begins now, in seconds of `time.perf_counter`."""
    return time.perf_counter() + MAX_SECONDS


def check_deadline(deadline: float) -> None:
    """Raise an error if the time limit of a request has passed.

    Raises:
        OutOfTime: `deadline` has passed.
    """
    if time.perf_counter() > deadline:
        raise OutOfTime(
            f"The images before this one took {MAX_SECONDS} s, the limit for one request. "
            "Send this image in another request."
        )
