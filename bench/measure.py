"""Options in, results out: lets the targets take turns, asks and writes down."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from bench import plan
from bench.load import Figures, Target, closed_loop
from bench.memory import measure_memory
from bench.open_loop import open_loop, schedule
from bench.pictures import Picture, form
from bench.results import Results
from bench.servers import NGINX, ORIGINAL, OURS, PATH, Host, Server, run_server

#: Long enough that lazily made buffers and threads are there.
WARM_SECONDS = 2
MANY_CONNECTIONS = 64


@dataclass(frozen=True)
class Bench:
    """What every part of a run needs.

    Attributes:
        say: Is told what is measured now.
    """

    options: plan.Options
    host: Host
    pictures: dict[str, Picture]
    results: Results
    say: Callable[[str], None]

    def ask(self, server: Server, body: bytes, connections: int, path: str = PATH) -> Figures:
        """A closed loop of the length that the options name."""
        # What an earlier load left in the server's queue is answered before this.
        server.check(self.pictures["small"])
        target = Target(server.url(path), body, self.host.cores)
        return closed_loop(target, connections, self.options.seconds)


def measure_closed(bench: Bench, servers: list[Server]) -> None:
    """Each picture over 1, 16 and 64 connections, the targets in turn."""
    for server in servers:
        for picture in bench.pictures.values():
            server.check(picture)
    for number in range(1, bench.options.rounds + 1):
        for name, connections in plan.CLOSED_CASES:
            picture = bench.pictures[name]
            case = plan.closed_case(picture, connections)
            bench.say(f"round {number} of {bench.options.rounds}: {case}")
            for server in servers:
                if server.target == ORIGINAL and connections > plan.CONNECTIONS:
                    # It takes seconds to answer so many once, longer than a measurement is.
                    continue
                figures = bench.ask(server, picture.form, connections)
                bench.results.add(plan.CLOSED, server.target, case, number, figures)


def measure_open(bench: Bench, servers: list[Server]) -> None:
    """The small picture at shares of the rate that the closed loop reached."""
    picture = bench.pictures["small"]
    case = plan.closed_case(picture, plan.CONNECTIONS)
    peaks = {
        cell.target: figures["requests_per_second"]
        for cell, figures in bench.results.medians(plan.CLOSED)
        if cell.case == case
    }
    kept = [server for server in servers if server.target != ORIGINAL]
    if len(kept) < len(servers):
        bench.results.not_measured.append(
            "open loop of the original: its synchronous worker closes every connection, and "
            "h2load's schedule rests on kept ones."
        )
    for number in range(1, bench.options.rounds + 1):
        bench.say(f"round {number} of {bench.options.rounds}: open loop")
        for share in plan.OPEN_SHARES:
            for server in kept:
                server.check(picture)
                figures = open_loop(
                    Target(server.url(), picture.form, bench.host.cores),
                    schedule(share * peaks[server.target]),
                    bench.options.seconds,
                )
                at = f"{picture.name}, at most {share:.0%} of the peak"
                bench.results.add(plan.OPEN, server.target, at, number, figures)


def measure_batches(bench: Bench, ours: Server) -> None:
    """Pictures a second by how many of them a request holds."""
    picture = bench.pictures["small"]
    if not _reads_batches(ours, picture):
        bench.results.not_measured.append(
            "batches: POST /predictlabels does not answer as this version of the service should."
        )
        return
    cases = [(plan.SINGLE, 1, "/predictlabel")]
    cases += [(plan.batch_case(size), size, "/predictlabels") for size in plan.BATCH_SIZES]
    for number in range(1, bench.options.rounds + 1):
        bench.say(f"round {number} of {bench.options.rounds}: batches")
        for case, size, path in cases:
            figures = bench.ask(ours, form(picture, size), plan.CONNECTIONS, path)
            figures["pictures_per_second"] = size * figures["requests_per_second"]
            bench.results.add(plan.BATCH, OURS, case, number, figures)


def _reads_batches(ours: Server, picture: Picture) -> bool:
    status, body = ours.post(form(picture, 2), "/predictlabels")
    return status == HTTPStatus.OK and len(json.loads(body).get("results", ())) == 2


def measure_cold(bench: Bench, targets: list[str]) -> None:
    """Seconds from the start of a process to its first right answer; files are cached by now."""
    for number in range(1, bench.options.rounds + 1):
        for target in targets:
            if target == NGINX:
                continue
            bench.say(f"round {number} of {bench.options.rounds}: cold start, {target}")
            started = time.perf_counter()
            with run_server(target, bench.host, bench.pictures["small"]):
                seconds = time.perf_counter() - started
            bench.results.add(plan.COLD, target, "first right answer", number, {"seconds": seconds})


def measure_targets_memory(bench: Bench, servers: list[Server]) -> None:
    """Memory of each target with one worker, after load."""
    for server in servers:
        bench.say(f"memory, {server.target}")
        bench.ask(server, bench.pictures["small"].form, MANY_CONNECTIONS)
        figures = _memory(bench, server)
        bench.results.add(plan.MEMORY, server.target, "one worker, after load", 1, figures)


def measure_workers(bench: Bench) -> None:
    """Throughput and memory of ours by the number of workers, each with a CPU as far as they go."""
    for count in plan.WORKER_COUNTS:
        cell = plan.workers(count)
        bench.say(f"ours with {cell.case}")
        with run_server(OURS, bench.host, bench.pictures["small"], count) as server:
            for number in range(1, bench.options.rounds + 1):
                figures = bench.ask(server, bench.pictures["small"].form, MANY_CONNECTIONS)
                figures |= _memory(bench, server)
                bench.results.add(cell.part, cell.target, cell.case, number, figures)


def _memory(bench: Bench, server: Server) -> Figures:
    """Of all the server's processes, after some large photos at once."""
    photo = Target(server.url(), bench.pictures["phone"].form, bench.host.cores)
    closed_loop(photo, plan.CONNECTIONS, WARM_SECONDS)
    memory = measure_memory(server.process.pid)
    figures: Figures = {"processes": memory.processes, "rss": memory.rss}
    return figures if memory.pss is None else figures | {"pss": memory.pss}
