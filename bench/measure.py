"""Run the benchmark: start the servers (targets), measure them in turn and collect the figures."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import psutil

from bench.fixtures import Fixture, make_fixtures
from bench.nginx import run_nginx
from bench.results import BATCHES, COLD, MEMORY, SPEED, Results, Sample
from bench.servers import KERAS, NGINX, PATH, SERVICE, TARGETS, Host, Server, missing, run_server
from bench.wrk import run_wrk
from dlflask.config import ROOT

#: Fixture and number of connections of each measurement of speed. Large images use one connection,
#: because a person sends only one photo at a time.
SPEED_CASES = (
    *(("small", number) for number in (1, 16, 64)),
    *(("middle", number) for number in (1, 16, 64)),
    ("phone", 1),
    ("large", 1),
)
#: Numbers of images per request. A single image is sent to /predictlabel, as the reference for the
#: ratio. Several images are sent to /predictlabels.
BATCH_SIZES = (1, 4, 16, 64)
#: Number of connections in the measurements of batches and memory.
CONNECTIONS = 16
#: Duration in seconds of the load with photos before memory is measured.
PHOTO_SECONDS = 2

#: Packages whose versions the report lists.
PACKAGES = ("flask", "gunicorn", "werkzeug", "keras", "openvino", "pillow", "numpy", "tensorflow")


@dataclass
class Bench:
    """One run of the benchmark. Its `results` are the figures measured so far.

    In each round, each measurement of speed takes `seconds`.
    """

    host: Host
    targets: tuple[str, ...]
    rounds: int
    seconds: int
    results: Results = field(default_factory=Results)
    fixtures: dict[str, Fixture] = field(default_factory=make_fixtures)

    def run(self, command: str) -> Results:
        """Measure all parts of the report in each round. The report shows `command`."""
        self.results.about = {
            **_describe_machine(self.host),
            "command": f"`{command}`",
            "rounds": f"{self.rounds} of {self.seconds} s for each measurement",
        }
        if self.host.cpus:
            # The servers use the first CPU, so move this process to the last CPU. wrk, which this
            # process starts, stays on the same CPU.
            psutil.Process().cpu_affinity([self.host.cpus[-1]])
        with ExitStack() as stack:
            servers = self._start(stack)
            for number in range(1, self.rounds + 1):
                # Print to stderr, because the report goes to stdout and may be redirected.
                print(f"round {number} of {self.rounds}", file=sys.stderr, flush=True)  # noqa: T201
                self._measure_speed(servers, number)
                if SERVICE in servers:
                    self._measure_batches(servers[SERVICE], number)
                self._measure_memory(servers, number)
                self._measure_cold_start(servers, number)
        return self.results

    def _start(self, stack: ExitStack) -> dict[str, Server]:
        """Start all chosen targets that can run. They run until `stack` is closed."""
        servers: dict[str, Server] = {}
        small = self.fixtures["small"]
        for target in TARGETS:  # The service comes first, because NGINX needs it.
            if target not in self.targets:
                continue
            if reason := missing(target):
                self.results.not_measured.append(f"{target}: {reason}")
            elif target != NGINX:
                servers[target] = stack.enter_context(run_server(target, self.host, small))
            elif SERVICE in servers:
                nginx = run_nginx(servers[SERVICE], self.host, small)
                servers[target] = stack.enter_context(nginx)
            else:
                self.results.not_measured.append(f"{target}: it needs the target {SERVICE}.")
        return servers

    def _measure_speed(self, servers: dict[str, Server], number: int) -> None:
        for name, connections in SPEED_CASES:
            fixture = self.fixtures[name]
            case = f"{fixture.name}, {connections} connection{'s' * (connections > 1)}"
            for target, server in servers.items():
                # This baseline needs longer for 64 requests than one measurement lasts.
                if target == KERAS and connections > CONNECTIONS:
                    continue
                figures = self._load(server, fixture.form(), connections)
                self._add(SPEED, case, target, number, figures)

    def _measure_batches(self, server: Server, number: int) -> None:
        for size in BATCH_SIZES:
            path = PATH if size == 1 else "/predictlabels"
            figures = self._load(server, self.fixtures["small"].form(size), CONNECTIONS, path)
            figures["images_per_second"] = size * figures["requests_per_second"]
            case = f"{path}, {size} image{'s' * (size > 1)} per request"
            self._add(BATCHES, case, SERVICE, number, figures)

    def _measure_memory(self, servers: dict[str, Server], number: int) -> None:
        photo = self.fixtures["phone"].form()
        for target, server in servers.items():
            run_wrk(server.url(), photo, CONNECTIONS, PHOTO_SECONDS)
            self._add(MEMORY, "after load", target, number, server.measure_memory())

    def _measure_cold_start(self, servers: dict[str, Server], number: int) -> None:
        for target in servers:
            if target != NGINX:
                started = time.perf_counter()
                with run_server(target, self.host, self.fixtures["small"]):
                    seconds = time.perf_counter() - started
                self._add(COLD, "first prediction", target, number, {"seconds": seconds})

    def _load(
        self, server: Server, body: bytes, connections: int, path: str = PATH
    ) -> dict[str, float]:
        # Requests of the previous load may still wait in the server. They are finished when the
        # server responds to this check.
        server.check(self.fixtures["small"])
        return run_wrk(server.url(path), body, connections, self.seconds)

    def _add(
        self, part: str, case: str, target: str, number: int, figures: dict[str, float]
    ) -> None:
        self.results.samples.append(Sample(part, case, target, number, figures))


def _describe_machine(host: Host) -> dict[str, str]:
    """Return the rows of the table that describes the run: date, machine, model and versions."""
    memory = psutil.virtual_memory().total / 2**30
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{_processor()}, {os.cpu_count()} CPUs, {memory:.0f} GiB, "
        f"{platform.system()} {platform.release()}",
        "CPUs": host.describe_cpus(),
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
