"""One core of this machine, measured: a real service pinned to it, asked by an open loop.

Linux only: it pins processes to cores and reads /proc.
"""

import asyncio
import json
import os
import platform
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deploy.capacity.openloop import Client, open_loop
from deploy.capacity.queueing import Service, mean_wait, quantile

ROOT = Path(__file__).parent.parent.parent
MEASURED = Path(__file__).with_name("measured.json")

PORT = 8099
START_SECONDS = 60
#: Low enough that most find the server idle, and high enough that most wait.
LOADS = (0.3, 0.6)
#: Before each request that is measured alone.
PAUSE_SECONDS = 0.02


@dataclass(frozen=True)
class Core:
    """What one core does: `megabytes` of memory for a replica of one worker."""

    seconds: float
    variation: float
    megabytes: float
    machine: str

    @classmethod
    def read(cls, path: Path = MEASURED) -> "Core":
        """The figures kept in the project."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    @property
    def service(self) -> Service:
        """As the queueing model takes it."""
        return Service(self.seconds, self.variation)


@dataclass(frozen=True)
class Comparison:
    """Milliseconds at one load, by the model and as measured."""

    load: float
    mean: tuple[float, float]
    p50: tuple[float, float]
    p99: tuple[float, float]


@contextmanager
def pinned_service(port: int = PORT) -> Iterator[int]:
    """A service of one worker on the first core, and this process off it; yields its process id."""
    cores = os.sched_getaffinity(0)
    first = min(cores)
    os.sched_setaffinity(0, {first})  # what it starts inherits it
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "server:app"],
        cwd=ROOT,
        env=os.environ | {"PORT": str(port), "WEB_CONCURRENCY": "1"},
        stderr=subprocess.DEVNULL,
    )
    try:
        os.sched_setaffinity(0, cores - {first} or cores)
        _wait_until_ready(port)
        yield process.pid
    finally:
        os.sched_setaffinity(0, cores)
        process.terminate()
        process.wait(timeout=60)


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def megabytes_of(pid: int) -> float:
    """Memory of a process and its children, what they share counted once (PSS)."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    kilobytes = 0
    for process in (str(pid), *children):
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
        kilobytes += int(rollup.split("Pss:")[1].split()[0])
    return kilobytes / 1e3


async def measure_core(client: Client, pid: int, count: int) -> Core:
    """What a request costs that finds the core idle, as most do on a server that is not too busy.

    With pauses, because caches are cold after one: back to back, the same took a third less here.
    """
    loop = asyncio.get_running_loop()
    times = [await client.seconds(loop.time() + PAUSE_SECONDS) for _ in range(count)]
    # Without the slowest tenth: what else the machine did is not the service's.
    usual = np.sort(times)[: -max(1, count // 10)]
    return Core(
        seconds=round(float(np.mean(usual)), 6),
        variation=round(float(np.std(usual) / np.mean(usual)), 3),
        megabytes=round(megabytes_of(pid)),
        machine=f"one core of {os.cpu_count()}, {platform.machine()}",
    )


async def compare(client: Client, core: Core, load: float, count: int) -> Comparison:
    """The model beside an open loop of `count` requests at a `load` of the core's throughput."""
    rate = load / core.seconds
    times = 1e3 * await open_loop(client, rate, count, seed=1)
    wait = mean_wait(rate, 1, core.service)
    return Comparison(
        load,
        mean=(1e3 * (wait + core.seconds), float(np.mean(times))),
        p50=(1e3 * quantile(0.5, rate, 1, core.service), float(np.quantile(times, 0.5))),
        p99=(1e3 * quantile(0.99, rate, 1, core.service), float(np.quantile(times, 0.99))),
    )


async def measure(port: int, pid: int, count: int) -> tuple[Core, list[Comparison]]:
    """The core, and the model beside it at each of LOADS."""
    picture = (ROOT / "static" / "samples" / "4.png").read_bytes()
    client = Client(port, "/predictlabel", picture, "image/png")
    try:
        core = await measure_core(client, pid, count)
        return core, [await compare(client, core, load, count) for load in LOADS]
    finally:
        await client.close()
