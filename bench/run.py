"""Options in, results out: which targets can be run, and the parts in their order."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

import psutil

from bench import measure
from bench.load import LoadFault, require
from bench.machine import describe, find_cores
from bench.nginx import run_nginx
from bench.pictures import PICTURES, Picture
from bench.plan import Options
from bench.results import Results
from bench.servers import NGINX, OURS, Host, Server, missing, run_server
from bench.soak import soak


def run_bench(
    options: Options, command: Sequence[str], say: Callable[[str], None]
) -> tuple[Results, dict[str, Picture]]:
    """Measure what `options` name.

    Args:
        options: What and how much.
        command: What was written behind `python -m bench`, for the report.
        say: Is told what is measured now.
    """
    cores = find_cores()
    results = Results(about=_about(options, command, describe(cores)))
    if cores.are_apart():
        # This process draws, waits and counts; it is to leave the servers' CPU alone.
        psutil.Process().cpu_affinity(list(cores.usable[-1:]))
    pictures = {name: make() for name, make in PICTURES.items()}
    bench = measure.Bench(options, Host(cores, options.python), pictures, results, say)
    with ExitStack() as stack:
        servers = _start(bench, stack)
        _measure(bench, servers)
    if "workers" in options.parts:
        if not cores.are_apart(2):
            results.about["CPUs"] += "; two and more workers share the load's CPU"
        measure.measure_workers(bench)
    if options.soak and _has_h2load(results):
        with run_server(OURS, bench.host, pictures["small"]) as server:
            soak(bench, server)
    results.about["load average"] += f" before, {os.getloadavg()[0]:.1f} at the end"
    return results, pictures


def _about(options: Options, command: Sequence[str], machine: dict[str, str]) -> dict[str, str]:
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        **machine,
        "command": f"`{shlex.join(['python', '-m', 'bench', *command])}`",
        "rounds": f"{options.rounds} of {options.seconds} s for each measurement",
    }


def _start(bench: measure.Bench, stack: ExitStack) -> list[Server]:
    """All targets that can be run: they stay up, and idle, while others are measured."""
    servers: dict[str, Server] = {}
    picture = bench.pictures["small"]
    for target in bench.options.targets:
        bench.say(f"starting {target}")
        if reason := missing(target):
            bench.results.not_measured.append(f"{target}: {reason}")
        elif target == NGINX:
            if OURS not in servers:
                servers[OURS] = stack.enter_context(run_server(OURS, bench.host, picture))
            servers[NGINX] = stack.enter_context(run_nginx(servers[OURS], bench.host, picture))
        elif target not in servers:
            servers[target] = stack.enter_context(run_server(target, bench.host, picture))
    return list(servers.values())


def _measure(bench: measure.Bench, servers: list[Server]) -> None:
    parts = bench.options.parts
    ours = [server for server in servers if server.target == OURS]
    if "closed" in parts:
        measure.measure_closed(bench, servers)
    if "open" in parts and _has_h2load(bench.results):
        measure.measure_open(bench, servers)
    if "batch" in parts and ours:
        measure.measure_batches(bench, ours[0])
    if "memory" in parts:
        measure.measure_targets_memory(bench, servers)
    if "cold" in parts:
        measure.measure_cold(bench, [server.target for server in servers])


def _has_h2load(results: Results) -> bool:
    try:
        require("h2load")
    except LoadFault as fault:
        results.not_measured.append(f"open loop and soak: {fault}")
        return False
    return True
