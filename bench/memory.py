"""Memory of all processes of a server."""

from __future__ import annotations

import psutil

#: Measured values, by name.
Figures = dict[str, float]


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
