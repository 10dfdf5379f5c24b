"""Run the benchmark: start the targets, let them take turns, collect the figures."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

import psutil

from bench.environment import describe, find_cpus
from bench.fixtures import Fixture, make_fixtures
from bench.memory import Figures, measure_memory
from bench.nginx import run_nginx
from bench.results import BATCHES, COLD, MEMORY, SPEED, Cell, Results
from bench.servers import KERAS, NGINX, PATH, SERVICE, TARGETS, Host, Server, missing, run_server
from bench.wrk import run_wrk

#: Fixture and connections. Large images are sent one at a time, as a person sends a photo.
SPEED_CASES = (
    *(("small", number) for number in (1, 16, 64)),
    *(("middle", number) for number in (1, 16, 64)),
    ("phone", 1),
    ("large", 1),
)
#: Images per request; the first is the reference and goes to /predictlabel.
BATCH_SIZES = (1, 4, 16, 64)
CONNECTIONS = 16
#: Load with photos before the memory is read.
PHOTO_SECONDS = 2


@dataclass(frozen=True)
class Options:
    """Targets and duration of the measurements; `python` is that of the service's environment."""

    targets: tuple[str, ...] = TARGETS
    rounds: int = 5
    seconds: int = 4
    python: str = sys.executable


@dataclass(frozen=True)
class Bench:
    """State of a run; `say` reports progress."""

    options: Options
    host: Host
    fixtures: dict[str, Fixture]
    results: Results
    say: Callable[[str], None]

    def load(self, server: Server, body: bytes, connections: int, path: str = PATH) -> Figures:
        """Measure one closed loop."""
        # Requests left over from an earlier load are finished before this one returns.
        server.check(self.fixtures["small"])
        return run_wrk(server.url(path), body, self.host.cpus, connections, self.options.seconds)


def run_bench(options: Options, command: str, say: Callable[[str], None]) -> Results:
    """Measure all parts, round by round, and return the results."""
    cpus = find_cpus()
    about = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        **describe(cpus),
        "command": f"`{command}`",
        "rounds": f"{options.rounds} of {options.seconds} s for each measurement",
    }
    if cpus.usable:
        # Keep this process off the CPU of the servers.
        psutil.Process().cpu_affinity([cpus.usable[-1]])
    host = Host(cpus, options.python)
    bench = Bench(options, host, make_fixtures(), Results(about), say)
    with ExitStack() as stack:
        servers = _start(bench, stack)
        for number in range(1, options.rounds + 1):
            say(f"round {number} of {options.rounds}")
            _measure_speed(bench, servers, number)
            if SERVICE in servers:
                _measure_batches(bench, servers[SERVICE], number)
            _measure_memory(bench, servers, number)
            _measure_cold_start(bench, servers, number)
    return bench.results


def _start(bench: Bench, stack: ExitStack) -> dict[str, Server]:
    """Start every target that can run; a target is idle while others are measured."""
    servers: dict[str, Server] = {}
    small = bench.fixtures["small"]
    for target in TARGETS:  # the service before NGINX
        if target not in bench.options.targets:
            continue
        if reason := missing(target):
            bench.results.not_measured.append(f"{target}: {reason}")
        elif target != NGINX:
            servers[target] = stack.enter_context(run_server(target, bench.host, small))
        elif SERVICE in servers:
            servers[target] = stack.enter_context(run_nginx(servers[SERVICE], bench.host, small))
        else:
            bench.results.not_measured.append(f"{target}: needs the target {SERVICE}.")
    return servers


def _measure_speed(bench: Bench, servers: dict[str, Server], number: int) -> None:
    for name, connections in SPEED_CASES:
        fixture = bench.fixtures[name]
        case = f"{fixture.name}, {connections} connection{'s' * (connections > 1)}"
        for target, server in servers.items():
            # With 64 connections one response of this baseline takes longer than a measurement.
            if target == KERAS and connections > CONNECTIONS:
                continue
            figures = bench.load(server, fixture.form(), connections)
            bench.results.add(Cell(SPEED, case, target), number, figures)


def _measure_batches(bench: Bench, server: Server, number: int) -> None:
    for size in BATCH_SIZES:
        path = PATH if size == 1 else "/predictlabels"
        figures = bench.load(server, bench.fixtures["small"].form(size), CONNECTIONS, path)
        figures["images_per_second"] = size * figures["requests_per_second"]
        case = f"{path}, {size} image{'s' * (size > 1)} per request"
        bench.results.add(Cell(BATCHES, case, SERVICE), number, figures)


def _measure_memory(bench: Bench, servers: dict[str, Server], number: int) -> None:
    photo = bench.fixtures["phone"].form()
    for target, server in servers.items():
        run_wrk(server.url(), photo, bench.host.cpus, CONNECTIONS, PHOTO_SECONDS)
        cell = Cell(MEMORY, "after load", target)
        bench.results.add(cell, number, measure_memory(server.process.pid))


def _measure_cold_start(bench: Bench, servers: dict[str, Server], number: int) -> None:
    for target in servers:
        if target != NGINX:
            started = time.perf_counter()
            with run_server(target, bench.host, bench.fixtures["small"]):
                seconds = time.perf_counter() - started
            cell = Cell(COLD, "first prediction", target)
            bench.results.add(cell, number, {"seconds": seconds})
