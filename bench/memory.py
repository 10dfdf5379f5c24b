"""A server's process in, the memory of all its processes out."""

from __future__ import annotations

from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Memory:
    """Of a process and all that it started, in MB.

    Attributes:
        processes: How many there are.
        rss: Resident: what several processes share counts in each.
        pss: Proportional: what several share counts once; None where the system does not tell.
    """

    processes: int
    rss: float
    pss: float | None


def measure_memory(pid: int) -> Memory:
    """The memory of the process `pid` and of all below it."""
    parent = psutil.Process(pid)
    found = []
    for process in [parent, *parent.children(recursive=True)]:
        try:
            found.append(process.memory_full_info())
        except psutil.NoSuchProcess:  # a worker that ended meanwhile
            continue
    # Only Linux tells what is shared among how many.
    shares = [one.pss for one in found if hasattr(one, "pss")]
    return Memory(
        processes=len(found),
        rss=sum(one.rss for one in found) / 1e6,
        pss=sum(shares) / 1e6 if len(shares) == len(found) else None,
    )
