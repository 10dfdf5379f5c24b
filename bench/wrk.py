"""Measure speed with wrk. Each connection waits for the response before the next request."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from bench.fixtures import CONTENT_TYPE

#: Time in seconds to wait for a response. A later response counts as an error.
TIMEOUT_SECONDS = 30


class WrkError(Exception):
    """The program wrk is missing, failed, or did not write figures."""


def require_wrk() -> None:
    """Raise WrkError if wrk is not installed. The message names the packages that contain wrk."""
    if shutil.which("wrk") is None:
        raise WrkError("wrk is not installed (Debian and Ubuntu: wrk; Homebrew: wrk).")


def run_wrk(url: str, body: bytes, connections: int, seconds: int) -> dict[str, float]:
    """Send `body` to `url` again and again on all connections for `seconds`.

    Returns:
        The figures `requests_per_second`, `errors` (a count), and the latencies `p50` and `p99` in
        milliseconds.

    Raises:
        WrkError: wrk failed or did not end in time.
    """
    with tempfile.NamedTemporaryFile(prefix="bench-body-") as file:
        file.write(body)
        file.flush()
        command = [
            *("wrk", "--threads", "1", "--connections", str(connections)),
            *("--duration", f"{seconds}s", "--timeout", f"{TIMEOUT_SECONDS}s"),
            *("--script", str(Path(__file__).with_name("wrk.lua")), url),
        ]
        try:
            done = subprocess.run(  # noqa: S603  the command is built above
                command,
                env=os.environ | {"BENCH_BODY": file.name, "BENCH_CONTENT_TYPE": CONTENT_TYPE},
                capture_output=True,
                text=True,
                check=True,
                timeout=2 * seconds + 4 * TIMEOUT_SECONDS,
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            raise WrkError(f"{error} {error.stdout!s:.1000} {error.stderr!s:.1000}") from error
    return parse(done.stdout)


def parse(output: str) -> dict[str, float]:
    """Return the figures from the line of JSON that wrk.lua writes.

    Raises:
        WrkError: The line is missing.
    """
    _, brace, rest = output.rpartition("\n{")
    if not brace:
        raise WrkError(f"wrk did not write figures, but: {output[-500:]}")
    figures: dict[str, float] = json.loads("{" + rest)
    if not figures["requests_per_second"]:
        # If there was no response, wrk reports latencies of 0.
        del figures["p50"], figures["p99"]
    return figures
