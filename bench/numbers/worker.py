"""`python -m bench.numbers.worker READER`: read the images named on stdin, one a line.

Writes one line of JSON when the reader is open or missing, and one for each image.
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
    # Libraries print on stdout, so they get stderr in its place.
    output = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def write(**values: Any) -> None:
        output.write(json.dumps(values) + "\n")
        output.flush()

    bare = _peak_bytes(None)
    try:
        with READERS[name][1]() as reader:
            write(version=reader.version, installed=reader.installed)
            for line in sys.stdin:
                write(**_measure(reader, Path(line.rstrip("\n")), bare))
    except MissingReaderError as error:
        write(missing=str(error))


def _measure(reader: OpenReader, path: Path, bare: int) -> dict[str, Any]:
    """Read one image; return the text, CPU seconds, and the peak of memory above bare Python."""
    used = _clock(reader.process)
    started, text, error = used(), "", None
    try:
        text = reader.read(path)
    except Exception as raised:  # noqa: BLE001  a peer may raise anything; it counts as not read
        error = f"{type(raised).__name__}: {str(raised)[:200]}"
    seconds = used() - started
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _MAXRSS_UNIT
    peak = _peak_bytes(reader.process) - bare
    if reader.process is None:
        peak = max(peak, children)
    return {"text": text, "error": error, "cpu": seconds, "peak": peak}


def _clock(process: int | None) -> Callable[[], float]:
    """Return a clock of the CPU time of another process, or of this one with its children."""
    if process is not None:
        # Linux's clock of a process, as by clock_getcpuclockid(3), which Python does not have.
        clock = (~process << 3) | 2
        return lambda: time.clock_gettime(clock)

    def used() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + children.ru_utime + children.ru_stime

    return used


def _peak_bytes(process: int | None) -> int:
    """Return the peak of the resident memory of a process, or of this one.

    On Linux, ru_maxrss of a new process begins at that of its parent; VmHWM does not.
    """
    status = Path(f"/proc/{process or 'self'}/status")
    if status.is_file():
        found = re.search(r"VmHWM:\s+(\d+)", status.read_text(encoding="utf-8"))
        return int(found[1]) * 1024 if found else 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT


#: ru_maxrss is in bytes on macOS, in kilobytes elsewhere.
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


if __name__ == "__main__":
    main(sys.argv[1])
