"""Description of the machine, and the CPUs that servers and the load generator run on."""

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

#: Packages whose versions the report lists.
PACKAGES = ("flask", "gunicorn", "werkzeug", "keras", "openvino", "pillow", "numpy", "tensorflow")


@dataclass(frozen=True)
class Cpus:
    """The CPUs that a command can be pinned to; empty where pinning is not available."""

    usable: tuple[int, ...]

    def for_server(self) -> list[str]:
        """Return the command prefix that pins a server to the first CPU."""
        return self._taskset(self.usable[:1])

    def for_load(self) -> list[str]:
        """Return the command prefix that pins the load generator to the last CPU."""
        return self._taskset(self.usable[-1:])

    def _taskset(self, cpus: tuple[int, ...]) -> list[str]:
        return ["taskset", "--cpu-list", str(cpus[0])] if cpus else []

    def __str__(self) -> str:
        if not self.usable:
            return "not pinned: `taskset` is not installed"
        if len(self.usable) == 1:
            return "servers and load share the only CPU: figures are too low"
        return f"servers and NGINX on CPU {self.usable[0]}, load on CPU {self.usable[-1]}"


def find_cpus() -> Cpus:
    """Return the CPUs that this process may use, where processes can be pinned."""
    if shutil.which("taskset") is None:
        return Cpus(())
    return Cpus(tuple(sorted(psutil.Process().cpu_affinity() or ())))


def describe(cpus: Cpus) -> dict[str, str]:
    """Return the machine, the model and the versions, one line each."""
    return {
        "machine": f"{_processor()}, {os.cpu_count()} CPUs, "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB, {platform.system()} "
        f"{platform.release()}",
        "CPUs": str(cpus),
        "load average": f"{os.getloadavg()[0]:.1f} before the run",
        "model": f"SHA-256 {hashlib.sha256((ROOT / 'mnist_model.h5').read_bytes()).hexdigest()}",
        "Python": platform.python_version(),
        "packages": ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
    }


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
