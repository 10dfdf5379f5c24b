"""Which core serves, which one sends, and what stands in the header of a report."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil

from dlflask.config import ROOT

#: Their versions stand in a report's header.
PACKAGES = ("flask", "gunicorn", "werkzeug", "keras", "openvino", "pillow", "numpy", "tensorflow")


@dataclass(frozen=True)
class Cores:
    """The CPUs that servers and load generator are held to; none where that cannot be done."""

    usable: tuple[int, ...]

    def for_server(self, count: int = 1) -> list[str]:
        """What a server's command begins with, to run on the first `count` CPUs."""
        return self._taskset(self.usable[:count])

    def for_load(self) -> list[str]:
        """What the load generator's command begins with, to run on the last CPU."""
        return self._taskset(self.usable[-1:])

    def are_apart(self, count: int = 1) -> bool:
        """Whether a server on `count` CPUs leaves the load generator one of its own."""
        return len(self.usable) > count

    def _taskset(self, cpus: tuple[int, ...]) -> list[str]:
        return ["taskset", "--cpu-list", ",".join(map(str, cpus))] if cpus else []

    def __str__(self) -> str:
        if not self.usable:
            return "not pinned: this system cannot hold a process to a CPU (no `taskset`)"
        if not self.are_apart():
            return f"servers and load share CPU {self.usable[0]}, the only one: figures are too low"
        first, last = self.usable[0], self.usable[-1]
        return f"each server, NGINX included, on CPU {first}; load on CPU {last}" + (
            ", which are two threads of one core: figures are too low"
            if last in _siblings(first)
            else ""
        )


def find_cores() -> Cores:
    """The CPUs of this process, where they can be chosen from."""
    if shutil.which("taskset") is None:
        return Cores(())
    return Cores(tuple(sorted(psutil.Process().cpu_affinity() or ())))


def describe(cores: Cores) -> dict[str, str]:
    """Machine and versions, one line each."""
    return {
        "machine": f"{_processor()}, {os.cpu_count()} CPUs, "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB, {platform.system()} "
        f"{platform.release()}",
        "CPUs": str(cores),
        "load average": f"{os.getloadavg()[0]:.1f}",
        "model": f"SHA-256 {hashlib.sha256((ROOT / 'mnist_model.h5').read_bytes()).hexdigest()}",
        "Python": platform.python_version(),
        "packages": ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
    }


def _siblings(cpu: int) -> list[int]:
    path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    if not path.is_file():
        return []
    found: list[int] = []
    for part in path.read_text(encoding="ascii").strip().split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"
