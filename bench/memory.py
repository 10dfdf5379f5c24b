"""Memory of a server: all its processes at one moment, or sampled while it is under load."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import psutil

#: What was measured, by name.
Figures = dict[str, float]

SAMPLE_SECONDS = 1.0
#: Share of a soak that only fills buffers and caches.
WARM_UP = 0.2


def measure_memory(pid: int) -> Figures:
    """Return the memory of `pid` and its descendants in MB.

    `rss` counts a shared page once per process, `pss` counts it once. Only Linux reports `pss`.
    """
    parent = psutil.Process(pid)
    found = []
    for process in [parent, *parent.children(recursive=True)]:
        try:
            found.append(process.memory_full_info())
        except psutil.NoSuchProcess:  # a worker that ended in the meantime
            continue
    figures: Figures = {"rss": sum(one.rss for one in found) / 1e6}
    if all(hasattr(one, "pss") for one in found):
        figures["pss"] = sum(one.pss for one in found) / 1e6
    return figures


def soak(pid: int, load: Callable[[], Figures]) -> Figures:
    """Run `load`, sample the memory of `pid` every second and return how it grew."""
    samples: list[tuple[float, float]] = []
    done = threading.Event()
    started = time.monotonic()

    def sample() -> None:
        while True:
            memory = measure_memory(pid)
            samples.append((time.monotonic() - started, memory.get("pss", memory["rss"])))
            if done.wait(SAMPLE_SECONDS):
                return

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        figures = load()
    finally:
        done.set()
        thread.join()
    return figures | growth(samples, figures["requests_per_second"])


def growth(samples: list[tuple[float, float]], requests_per_second: float) -> Figures:
    """Fit a line through (seconds, MB) after the warm-up; it needs two samples or more."""
    seconds, size = np.array(samples).T
    warm = seconds >= WARM_UP * seconds[-1]
    figures: Figures = {"end_mb": float(np.median(size[-5:]))}
    if warm.sum() > 1:
        slope = np.polyfit(seconds[warm], size[warm], 1)[0]
        figures["mb_per_100000_requests"] = float(slope / requests_per_second * 1e5)
    return figures
