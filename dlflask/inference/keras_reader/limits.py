"""Limits on the process that reads a user's model file."""

from __future__ import annotations

import contextlib
import ctypes
import platform
import resource
import signal
import struct
import sys
from pathlib import Path

#: Memory that the process may allocate, in bytes: Keras and OpenVINO take 0.4 GB. The
#: largest weights take five times their size while they are converted.
MAX_READER_MEMORY_BYTES = 4 * 1024**3

#: CPU time in seconds. The largest files tried take 5.
MAX_CPU_SECONDS = 120

#: Largest file that the process may write, in bytes: OpenVINO writes the graph to a file.
_MAX_FILE_BYTES = 2 * 1024**3
_MAX_OPEN_FILES = 256

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 1, 38, 22

#: For each processor, AUDIT_ARCH of linux/audit.h and the numbers of the forbidden system calls.
#: These open connections, also through io_uring, start programs, or read, change or end other
#: processes.
_FORBIDDEN = {
    "x86_64": (0xC000003E, (41, 42, 49, 53, 59, 62, 101, 310, 311, 322, 424, 425)),
    "aarch64": (0xC00000B7, (117, 129, 198, 199, 200, 203, 221, 270, 271, 281, 424, 425)),
}


def limit_process() -> None:
    """Limit memory, CPU time, files and, on Linux, connections and programs of this process."""
    _set(resource.RLIMIT_CPU, MAX_CPU_SECONDS)
    _set(resource.RLIMIT_FSIZE, _MAX_FILE_BYTES)
    _set(resource.RLIMIT_NOFILE, _MAX_OPEN_FILES)
    _set(resource.RLIMIT_CORE, 0)
    # macOS ignores this limit; only the time limit of `load_graph` holds there.
    _set(resource.RLIMIT_DATA, MAX_READER_MEMORY_BYTES)
    if sys.platform == "linux":
        # If memory is short, the kernel ends this process and not the service.
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
        _filter_system_calls()


def _set(kind: int, limit: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    try:
        resource.setrlimit(kind, (limit, limit))
    except (ValueError, OSError):
        # macOS rejects some limits. The others remain.
        return


def _filter_system_calls() -> None:
    """Make this process end with the service, and let seccomp reject the calls `_FORBIDDEN`."""
    libc = ctypes.CDLL(None, use_errno=True)
    # The process must not survive the service.
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if platform.machine() not in _FORBIDDEN:
        return
    processor, calls = _FORBIDDEN[platform.machine()]
    count = len(calls)
    # Classic BPF: load a word, compare it, return a decision. Each instruction is a code, the jumps
    # if the comparison is true or false, and a value.
    load, equal, at_least, decide = 0x20, 0x15, 0x35, 0x06
    allow, refuse = 0x7FFF0000, 0x00050000 | 1  # EPERM
    program = [
        (load, 0, 0, 4),  # the kind of processor
        (equal, 0, count + 3, processor),  # another processor has other numbers: refuse
        (load, 0, 0, 0),  # the number of the system call
        (at_least, count + 1, 0, 0x40000000),  # those of the x32 ABI begin here: refuse
        *((equal, count - index, 0, call) for index, call in enumerate(calls)),
        (decide, 0, 0, allow),
        (decide, 0, 0, refuse),
    ]
    code = b"".join(struct.pack("HBBI", *each) for each in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HP", len(program), ctypes.addressof(buffer))
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_SECCOMP, 2, ctypes.create_string_buffer(header, len(header)))
