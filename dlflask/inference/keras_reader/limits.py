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

#: Maximum memory of the process in bytes. Keras and OpenVINO take 0.4 GB, and the conversion of
#: weights takes five times the size of the weights.
MAX_READER_MEMORY_BYTES = 4 * 1024**3

#: Maximum CPU time in seconds. The largest files that were tried take 5 seconds.
MAX_CPU_SECONDS = 120

#: Maximum size in bytes of each file that the process writes. OpenVINO writes the graph to files.
_MAX_FILE_BYTES = 2 * 1024**3
_MAX_OPEN_FILES = 256

#: Numbers of operations of the system call `prctl`, from linux/prctl.h.
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 1, 38, 22

#: For each kind of processor, the number AUDIT_ARCH of linux/audit.h and the numbers of the
#: forbidden system calls. These calls open connections (also through io_uring), start programs, or
#: read, change or end other processes.
_FORBIDDEN = {
    "x86_64": (0xC000003E, (41, 42, 49, 53, 59, 62, 101, 310, 311, 322, 424, 425)),
    "aarch64": (0xC00000B7, (117, 129, 198, 199, 200, 203, 221, 270, 271, 281, 424, 425)),
}


def limit_process() -> None:
    """Limit memory, CPU time and files of this process. On Linux, also forbid some system calls."""
    _set(resource.RLIMIT_CPU, MAX_CPU_SECONDS)
    _set(resource.RLIMIT_FSIZE, _MAX_FILE_BYTES)
    _set(resource.RLIMIT_NOFILE, _MAX_OPEN_FILES)
    _set(resource.RLIMIT_CORE, 0)
    # macOS ignores this limit. There, only the time limit of `load_graph` ends the process.
    _set(resource.RLIMIT_DATA, MAX_READER_MEMORY_BYTES)
    if sys.platform == "linux":
        # If the machine runs out of memory, the kernel ends this process instead of the service.
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
        # macOS rejects some limits. Continue without this limit.
        return


def _filter_system_calls() -> None:
    """Forbid the calls in `_FORBIDDEN`, and let the kernel end this process if the service ends."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if platform.machine() not in _FORBIDDEN:
        return
    processor, calls = _FORBIDDEN[platform.machine()]
    count = len(calls)
    # The filter is a program of classic BPF (the kernel's language for filters). An instruction is
    # a code, the number of instructions to skip if the comparison is true, the number to skip if
    # the comparison is false, and a value.
    load, equal, at_least, decide = 0x20, 0x15, 0x35, 0x06
    allow, refuse = 0x7FFF0000, 0x00050000 | 1  # EPERM
    program = [
        (load, 0, 0, 4),  # load the kind of processor
        (equal, 0, count + 3, processor),  # refuse other kinds
        (load, 0, 0, 0),  # load the number of the call
        (at_least, count + 1, 0, 0x40000000),  # refuse the x32 ABI
        *((equal, count - index, 0, call) for index, call in enumerate(calls)),
        (decide, 0, 0, allow),
        (decide, 0, 0, refuse),
    ]
    code = b"".join(struct.pack("HBBI", *each) for each in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HP", len(program), ctypes.addressof(buffer))
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_SECCOMP, 2, ctypes.create_string_buffer(header, len(header)))
