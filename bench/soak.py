"""A server and a number of requests in, its memory over time out."""

from __future__ import annotations

import re
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait

import numpy as np
from numpy.typing import NDArray

from bench import plan
from bench.load import Figures, Target, body_file, call
from bench.measure import Bench
from bench.memory import measure_memory
from bench.pictures import CONTENT_TYPE
from bench.servers import OURS, Server

SAMPLE_SECONDS = 1.0

#: A service this slow answers no more, and the soak ends with a fault.
SLOWEST_REQUESTS_PER_SECOND = 20

#: Of the time: buffers and caches fill first.
WARM_SHARE = 0.2


def soak(bench: Bench, server: Server) -> None:
    """Send the requests over 16 connections with h2load, and sample the memory until it is done.

    Raises:
        LoadFault: They are not answered in time.
    """
    planned = bench.options.soak
    bench.say(f"soak: {planned:,} requests")
    target = Target(server.url(), bench.pictures["small"].form, bench.host.cores)
    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(_send, target, planned)
        samples = _sample(server, told)
        good = count_good(told.result())
    figures = summarise(samples, good)
    figures["errors"] = planned - good
    bench.results.add(plan.SOAK, OURS, f"{planned:,} requests", 1, figures)
    bench.results.soak = samples.round(2).tolist()


def summarise(samples: NDArray[np.float64], requests: int) -> Figures:
    """How much memory there is after warming up and at the end, and the slope of a line between.

    Args:
        samples: (N, 2), seconds since the start and MB; N at least 2.
        requests: Answered in all that time, at an even pace.
    """
    seconds, size = samples.T
    warm = seconds >= WARM_SHARE * seconds[-1]
    # The line of least squares through what follows the warming up.
    per_second = np.polyfit(seconds[warm], size[warm], 1)[0] if warm.sum() > 1 else np.nan
    return {
        "requests_per_second": requests / float(seconds[-1]),
        "warm_mb": float(np.median(size[warm][:5])),
        "end_mb": float(np.median(size[-5:])),
        "most_mb": float(size.max()),
        "mb_per_100000_requests": float(per_second * seconds[-1] / requests * 1e5),
    }


def count_good(told: str) -> int:
    """How many answers were 2xx, from h2load's summary."""
    found = re.search(r"status codes: (\d+) 2xx", told)
    return int(found[1]) if found else 0


def _send(target: Target, requests: int) -> str:
    with body_file(target.body) as body:
        return call(
            [
                *target.cores.for_load(),
                *("h2load", "--h1", "--clients", str(plan.CONNECTIONS), "-n", str(requests)),
                *("--data", body, "--header", f"content-type: {CONTENT_TYPE}", target.url),
            ],
            requests / SLOWEST_REQUESTS_PER_SECOND,
        )


def _sample(server: Server, told: Future[str]) -> NDArray[np.float64]:
    """Seconds and MB (PSS, or RSS where the system tells no PSS), until the load is over."""
    started = time.monotonic()
    rows = []
    while True:
        memory = measure_memory(server.process.pid)
        size = memory.rss if memory.pss is None else memory.pss
        rows.append((time.monotonic() - started, size))
        if told.done() and len(rows) > 1:
            return np.array(rows)
        wait([told], timeout=SAMPLE_SECONDS)
