"""What is measured in a run, and which ratios are read off it."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from bench.pictures import Picture
from bench.results import Cell, Ratio, Results
from bench.servers import FLOOR, NGINX, ORIGINAL, OURS, TARGETS

CLOSED, OPEN, BATCH, COLD, MEMORY, WORKERS, SOAK = (
    *("closed loop", "open loop", "batches", "cold start", "memory", "workers"),
    "soak",
)
#: What `python -m bench` measures without further words.
PARTS = ("closed", "open", "batch", "cold", "memory", "workers")

#: Picture and connections. Large pictures are asked for one at a time: a person sends one photo.
CLOSED_CASES = (
    *(("small", number) for number in (1, 16, 64)),
    *(("middle", number) for number in (1, 16, 64)),
    ("phone", 1),
    ("hundredfold", 1),
)

#: Of the peak that the closed loop found, for the open one.
OPEN_SHARES = (0.5, 0.8)

BATCH_SIZES = (1, 4, 16, 64)
WORKER_COUNTS = (1, 2, 4)

#: Where rates are compared.
CONNECTIONS = 16


@dataclass(frozen=True)
class Options:
    """How much is measured.

    Attributes:
        parts: Of `PARTS`.
        targets: Of `TARGETS`.
        rounds: In each the targets take turns.
        seconds: Of each measurement.
        soak: Requests at the end, 0 for none.
        python: Of the service's environment.
    """

    parts: tuple[str, ...] = PARTS
    targets: tuple[str, ...] = TARGETS
    rounds: int = 5
    seconds: int = 4
    soak: int = 0
    python: str = sys.executable


def closed_case(picture: Picture, connections: int) -> str:
    """How tables call it."""
    return f"{picture.name}, {connections} connection{'s' * (connections > 1)}"


def batch_case(size: int) -> str:
    """How tables call it."""
    return f"/predictlabels, {size} picture{'s' * (size > 1)} a request"


def ratios(results: Results, pictures: dict[str, Picture]) -> list[Ratio]:
    """What was measured of the ratios that tell; a figure alone tells of the machine."""

    def cell(target: str, picture: str, connections: int = CONNECTIONS) -> Cell:
        return Cell(CLOSED, target, closed_case(pictures[picture], connections))

    rate = "requests_per_second"
    small = cell(OURS, "small")
    rows = []
    for name, under in (("floor", FLOOR), ("original", ORIGINAL)):
        for picture in ("small", "middle"):
            title = f"ours / {name}, requests a second, {cell(OURS, picture).case}"
            rows.append((title, (cell(OURS, picture), rate), (cell(under, picture), rate)))
    for picture in ("small", "middle"):
        title = f"behind NGINX / direct, requests a second, {cell(OURS, picture).case}"
        rows.append((title, (cell(NGINX, picture), rate), (cell(OURS, picture), rate)))
    batch = Cell(BATCH, OURS, batch_case(BATCH_SIZES[-1]))
    single = Cell(BATCH, OURS, SINGLE)
    rows += [
        (f"ours, p99 / p50, {small.case}", (small, "p99"), (small, "p50")),
        (
            f"pictures a second, {BATCH_SIZES[-1]} a request / one at /predictlabel",
            (batch, "pictures_per_second"),
            (single, "pictures_per_second"),
        ),
        (
            "ours, p50 of one request, 4000x4000 JPEG / 400x400 JPEG",
            (cell(OURS, "hundredfold", 1), "p50"),
            (cell(OURS, "middle", 1), "p50"),
        ),
        *(
            (f"ours, {count} workers / 1, {what}", (workers(count), of), (workers(1), of))
            for count in WORKER_COUNTS[1:]
            for what, of in (("requests a second", rate), ("PSS", "pss"))
        ),
    ]
    found = (results.ratio(*row) for row in rows)
    return [each for each in found if each is not None]


#: The case that batches are compared with, in the same rounds.
SINGLE = "/predictlabel, 1 picture a request"


def workers(count: int) -> Cell:
    """The cell of ours with so many workers."""
    return Cell(WORKERS, OURS, f"{count} worker{'s' * (count > 1)}")
