"""`python -m bench.numbers.worker READER`: read images with one reader, in its own environment.

First, the worker writes a line of JSON about the reader: its version and size, or how to install
it. Then each line of stdin names an image, and the worker writes a line of JSON about the image.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.numbers.readers import READERS, MissingReaderError, OpenReader


def main(name: str) -> None:
    """Open the reader and read images until stdin ends."""
    # Some libraries print on stdout. Their text must not mix with the JSON, so it goes to stderr.
    output = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def write(**values: Any) -> None:
        output.write(json.dumps(values) + "\n")
        output.flush()

    bytes_before = _peak_bytes(None)
    try:
        with READERS[name][1]() as reader:
            write(version=reader.version, disk_bytes=reader.disk_bytes)
            for line in sys.stdin:
                write(**_measure(reader, Path(line.rstrip("\n")), bytes_before))
    except MissingReaderError as error:
        write(missing=str(error))


def _measure(reader: OpenReader, path: Path, bytes_before: int) -> dict[str, Any]:
    """Read one image. Return the text, the error, the CPU time in seconds and the peak memory.

    The peak memory does not include `bytes_before`, the memory of this process without the reader.
    """
    clock = _clock(reader.process)
    started, text, error = clock(), "", None
    try:
        text = reader.read(path)
    except Exception as raised:  # noqa: BLE001  a peer may raise anything; the image counts as wrong
        error = f"{type(raised).__name__}: {str(raised)[:200]}"
    seconds = clock() - started
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _MAXRSS_UNIT
    peak = _peak_bytes(reader.process) - bytes_before
    if reader.process is None:
        peak = max(peak, children)
    return {"text": text, "error": error, "cpu": seconds, "peak": peak}


def _clock(process: int | None) -> Callable[[], float]:
    """Return a function that returns the CPU time of `process` in seconds.

    If `process` is None, it returns the CPU time of this process and of its ended child processes.
    """
    if process is not None:
        # Linux computes the id of a process's clock like this, in clock_getcpuclockid(3). Python
        # offers this function only for threads.
        clock_id = (~process << 3) | 2
        return lambda: time.clock_gettime(clock_id)

    def cpu_seconds() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + children.ru_utime + children.ru_stime

    return cpu_seconds


def _peak_bytes(process: int | None) -> int:
    """Return the peak resident memory of `process`, or of this process if `process` is None.

    On Linux use VmHWM, because ru_maxrss of a new process begins at the value of its parent.
    """
    status = Path(f"/proc/{process or 'self'}/status")
    if status.is_file():
        found = re.search(r"VmHWM:\s+(\d+)", status.read_text(encoding="utf-8"))
        return int(found[1]) * 1024 if found else 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT


#: Unit of ru_maxrss in bytes: 1 on macOS, 1,024 on other systems.
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


if __name__ == "__main__":
    main(sys.argv[1])
