"""A server, a body and a rate in, latencies from the planned start out, by h2load.

In an open loop requests start at a fixed rate, answered or not, so that a stall is felt by all
that would have come meanwhile. h2load gives each connection its own rate; started one after the
other, they take turns.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.load import TIMEOUT_SECONDS, Figures, LoadFault, Target, body_file, call
from bench.pictures import CONTENT_TYPE

#: How long a connection rests between its requests. An answer that takes longer holds the next
#: one back, whose latency is then counted from too late a start: `held_back` is the share of them.
MIN_INTERVAL_SECONDS = 0.2
MIN_CONNECTIONS = 16

#: Arrivals are spaced by whole milliseconds, the grain of epoll's timers; at rates that single
#: ones do not reach, or not closely, so many come together.
MAX_TOGETHER = 4


@dataclass(frozen=True)
class Schedule:
    """`together` requests every `milliseconds`, over connections that take turns."""

    together: int
    milliseconds: int

    @property
    def rate(self) -> float:
        """Requests a second."""
        return 1_000 * self.together / self.milliseconds

    @property
    def connections(self) -> int:
        """So many that each rests `MIN_INTERVAL_SECONDS` between its requests."""
        least = max(MIN_CONNECTIONS, self.rate * MIN_INTERVAL_SECONDS)
        return -int(-least // self.together) * self.together

    @property
    def interval_seconds(self) -> float:
        """Between two requests of one connection."""
        return self.connections / self.rate


def schedule(rate: float) -> Schedule:
    """The fastest evenly spaced schedule of at most `rate` requests a second, `rate` above 0."""
    choices = (
        Schedule(together, max(1, -int(-1_000 * together // rate)))
        for together in range(1, MAX_TOGETHER + 1)
    )
    # A rounding error must not cost a whole millisecond.
    return max((each for each in choices if each.rate <= rate + 1e-6), key=lambda each: each.rate)


def open_loop(target: Target, plan: Schedule, seconds: float) -> Figures:
    """Ask at `plan.rate` for about `seconds`."""
    turns = max(2, round(seconds / plan.interval_seconds))
    planned = turns * plan.connections
    with body_file(target.body) as body, tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        call(
            [
                *target.cores.for_load(),
                *("h2load", "--h1", "--clients", str(plan.connections), "-n", str(planned)),
                *("--rate", str(plan.together), "--rate-period", f"{plan.milliseconds}ms"),
                *("--rps", f"{1 / plan.interval_seconds:.6f}"),
                *("--connection-inactivity-timeout", f"{TIMEOUT_SECONDS}s"),
                *("--data", body, "--header", f"content-type: {CONTENT_TYPE}"),
                *("--log-file", str(log), target.url),
            ],
            turns * plan.interval_seconds,
        )
        return parse_h2load(log.read_text(encoding="ascii"), plan, planned)


def parse_h2load(log: str, plan: Schedule, planned: int) -> Figures:
    """Figures from h2load's log: start and duration of each request in microseconds, and status.

    Raises:
        LoadFault: No request was answered with 2xx.
    """
    rows = np.array([line.split()[:3] for line in log.splitlines()], np.int64).reshape(-1, 3)
    good = rows[(rows[:, 1] >= 200) & (rows[:, 1] < 300)]
    if not len(good):
        raise LoadFault(f"h2load had no answer to {planned} requests.")
    start, _, took = good.T
    p50, p99, p999 = np.percentile(took, [50, 99, 99.9]) / 1e3
    seconds = ((start + took).max() - start.min()) / 1e6
    return {
        "planned_per_second": plan.rate,
        "requests_per_second": len(good) / float(seconds),
        "p50": float(p50),
        "p99": float(p99),
        "p999": float(p999),
        "held_back": float((took > 1e6 * plan.interval_seconds).mean()),
        "errors": float(planned - len(good)),
    }
