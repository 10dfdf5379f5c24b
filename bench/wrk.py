"""A server and a body in, requests a second and latencies of a closed loop out, by wrk.

In a closed loop each connection asks again when it is answered.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.machine import Cores
from bench.pictures import CONTENT_TYPE

#: What was measured, by name; the percentiles p50, p99 and p999 are milliseconds.
Figures = dict[str, float]

INSTALL = {
    "wrk": "wrk is not installed (Debian and Ubuntu: wrk; Homebrew: wrk).",
    "h2load": "h2load is not installed (Debian and Ubuntu: nghttp2-client; Homebrew: nghttp2).",
}

#: Answers that do not come in this time count as errors.
TIMEOUT_SECONDS = 30


class LoadFault(Exception):
    """A load generator is missing, or did not measure."""


@dataclass(frozen=True)
class Target:
    """Where to send what, and from which CPU."""

    url: str
    body: bytes
    cores: Cores


def require(tool: str) -> None:
    """See that a load generator is installed.

    Raises:
        LoadFault: It is not; how to install it.
    """
    if shutil.which(tool) is None:
        raise LoadFault(INSTALL[tool])


def closed_loop(target: Target, connections: int, seconds: int) -> Figures:
    """Ask over `connections` at once for `seconds`."""
    with body_file(target.body) as body:
        told = call(
            [
                *target.cores.for_load(),
                *("wrk", "--threads", "1", "--connections", str(connections)),
                *("--duration", f"{seconds}s", "--timeout", f"{TIMEOUT_SECONDS}s"),
                *("--script", str(Path(__file__).with_name("wrk.lua")), target.url),
            ],
            seconds,
            BENCH_BODY=body,
            BENCH_CONTENT_TYPE=CONTENT_TYPE,
        )
    return parse_wrk(told)


def parse_wrk(told: str) -> Figures:
    """Figures from what wrk.lua wrote.

    Raises:
        LoadFault: There is no such line.
    """
    _, brace, rest = told.rpartition("\n{")
    if not brace:
        raise LoadFault(f"wrk wrote no figures: {told[-500:]}")
    found: Figures = json.loads("{" + rest)
    # Of no answer there is no latency; wrk would say 0.
    percentiles = ("p50", "p99", "p999") if found["requests"] else ()
    return {
        "requests_per_second": found["requests"] / (found["microseconds"] / 1e6),
        **{name: found[name] / 1e3 for name in percentiles},
        "errors": found["errors"],
    }


def call(command: list[str], seconds: float, **environment: str) -> str:
    """What a load generator writes that runs for about `seconds`.

    Raises:
        LoadFault: It ends with a fault, or not in time.
    """
    try:
        done = subprocess.run(  # noqa: S603  the commands stand in this package
            command,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=2 * seconds + 4 * TIMEOUT_SECONDS,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as fault:
        raise LoadFault(f"{fault} {fault.stdout!s:.1000} {fault.stderr!s:.1000}") from fault
    return done.stdout


@contextmanager
def body_file(body: bytes) -> Iterator[str]:
    """The path of a file that holds `body`."""
    with tempfile.NamedTemporaryFile(prefix="bench-body-") as file:
        file.write(body)
        file.flush()
        yield file.name
