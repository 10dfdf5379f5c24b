"""Counters and histograms of all workers, in shared memory.

Each worker process has a slot in one anonymous shared mapping that exists before the fork, and
only that worker writes to it. A reader adds up all slots. A worker that exits leaves its counts
behind and the next worker in its slot continues from them, so counters never decrease. An aligned
8-byte cell is read and written as a whole, so readers do not need a lock.

This replaces the multiprocess mode of prometheus_client, which takes six times the CPU time per
request and needs a writable directory.
"""

from __future__ import annotations

import mmap
import threading
import time
from bisect import bisect_left
from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlflask.problem_types import PLAIN_TYPE, PROBLEMS, problem_type
from dlflask.recogniser import ModelInfo, Result

#: Number of slots: more than twice the CPUs of any machine, because a reload starts the new workers
#: beside the old ones.
MAX_WORKERS = 256

#: Capacities of a slot; `register_routes` and `register_model` raise if one is exceeded.
MAX_ROUTES, MAX_MODELS, MAX_LABELS, MAX_VERDICTS = 40, 4, 10, 5

#: Name under which requests to unknown paths are counted.
NO_ROUTE = "none"

STATUSES = tuple(int(status) for status in HTTPStatus)
PROBLEM_TYPES = (*map(problem_type, PROBLEMS), PLAIN_TYPE)
STAGES = ("decode", "place", "predict")

#: Upper bounds of the buckets of durations, in seconds. The first are for one stage of a small
#: image, the last for a whole request with the largest image.
SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
CONFIDENCES = (0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0)

#: Cells of a histogram: one for each bucket, one for larger values, one for the sum of all values.
_TIMES, _RATIOS = len(SECONDS) + 2, len(CONFIDENCES) + 2

MODEL = np.dtype(
    [
        ("stages", "f8", (len(STAGES), _TIMES)),
        ("confidence", "f8", _RATIOS),
        ("labels", "f8", MAX_LABELS),
        ("verdicts", "f8", MAX_VERDICTS),
    ]
)
SLOT = np.dtype(
    [
        ("in_flight", "f8"),
        ("workers", "f8"),
        ("requests", "f8", (MAX_ROUTES, len(STATUSES))),
        ("problems", "f8", len(PROBLEM_TYPES)),
        ("total", "f8", _TIMES),
        ("models", MODEL, MAX_MODELS),
    ]
)


def _cell(record: np.dtype[Any], field: str) -> int:
    """Return the index of a field's first cell in a record of 8-byte cells."""
    return int(record.fields[field][1]) // 8 if record.fields else 0


_IN_FLIGHT, _WORKERS, _REQUESTS, _PROBLEMS, _TOTAL, _MODELS = (
    _cell(SLOT, field) for field in SLOT.names or ()
)
_STATUS_OFFSETS = {status: offset for offset, status in enumerate(STATUSES)}
_PROBLEM_CELLS = {kind: _PROBLEMS + i for i, kind in enumerate(PROBLEM_TYPES)}


class ModelCells:
    """Indices of the cells that count the results of one model."""

    def __init__(self, index: int, info: ModelInfo) -> None:
        self.index, self.info = index, info
        start = _MODELS + index * (MODEL.itemsize // 8)
        stages = start + _cell(MODEL, "stages")
        self.stages = [(stage, stages + i * _TIMES) for i, stage in enumerate(STAGES)]
        self.confidence = start + _cell(MODEL, "confidence")
        labels, verdicts = start + _cell(MODEL, "labels"), start + _cell(MODEL, "verdicts")
        self.labels = {label: labels + i for i, label in enumerate(info.labels)}
        self.verdicts = {verdict: verdicts + i for i, verdict in enumerate(info.verdicts)}


class Metrics:
    """Counts of all workers. This process writes to one slot.

    Attributes:
        started: Start of the service, in seconds since 1970.
        busy_since: Time at which this process last changed from idle to busy, in seconds of
            `time.monotonic`.
        routes: Registered routes, `NO_ROUTE` first.
        models: Registered models, by name.
    """

    def __init__(self, max_workers: int = MAX_WORKERS) -> None:
        self.started = time.time()
        self.busy_since = time.monotonic()
        self.routes: tuple[str, ...] = ()
        self.models: dict[str, ModelCells] = {}
        self._route_cells: dict[str, int] = {}
        memory = mmap.mmap(-1, 8 + max_workers * SLOT.itemsize)
        self._table = np.frombuffer(memory, SLOT, offset=8)
        cells = memoryview(memory).cast("d")
        # The first cell holds the number of slots used so far. Readers read these slots only,
        # because reading an unused slot would allocate its memory.
        self._num_used, self._cells = cells[:1], cells[1:]
        self._free = set(range(max_workers))
        self._num_used[0] = 1
        self.register_routes(())
        self.use_slot(0)

    def register_routes(self, routes: Iterable[str]) -> None:
        """Give each route its cells. All processes must register the same routes, in any order.

        Raises:
            ValueError: There are more than `MAX_ROUTES`.
        """
        self.routes = (NO_ROUTE, *sorted(set(routes)))
        if len(self.routes) > MAX_ROUTES:
            raise ValueError(
                f"{len(self.routes)} routes were registered; a slot has cells for {MAX_ROUTES}. "
                "Increase MAX_ROUTES."
            )
        self._route_cells = {
            route: _REQUESTS + i * len(STATUSES) for i, route in enumerate(self.routes)
        }

    def register_model(self, info: ModelInfo) -> None:
        """Give a model its cells. All processes must register the same models in the same order.

        Raises:
            ValueError: There are more models, labels or verdicts than a slot has cells for.
        """
        counts = len(self.models) + 1, len(info.labels), len(info.verdicts)
        limits = MAX_MODELS, MAX_LABELS, MAX_VERDICTS
        if any(count > limit for count, limit in zip(counts, limits, strict=True)):
            raise ValueError(
                f"The model {info.name} needs cells for (models, labels, verdicts) = {counts}; a "
                f"slot has {limits}. Increase MAX_MODELS, MAX_LABELS or MAX_VERDICTS."
            )
        self.models[info.name] = ModelCells(len(self.models), info)

    def take_slot(self) -> int:
        """Return the lowest free slot, for a worker about to be forked by this process."""
        # Workers beyond the number of slots share the last one and may lose a count.
        slot = min(self._free, default=len(self._table) - 1)
        self._free.discard(slot)
        self._num_used[0] = max(self._num_used[0], slot + 1)
        return slot

    def use_slot(self, slot: int) -> None:
        """Write to `slot` from now on; the worker calls this after the fork."""
        cells = SLOT.itemsize // 8
        self._row = self._cells[slot * cells : (slot + 1) * cells]
        # A new lock: if a thread of the parent held the old one during the fork, it stays locked.
        self._lock = threading.Lock()

    def free_slot(self, slot: int) -> None:
        """Free the slot of an exited worker and reset its gauges; its counters are kept."""
        self._table["in_flight"][slot] = 0
        self._table["workers"][slot] = 0
        self._free.add(slot)

    def count_worker(self) -> None:
        """Count this process as serving."""
        self._row[_WORKERS] = 1

    @property
    def in_flight(self) -> float:
        """Number of requests in progress in this process."""
        return self._row[_IN_FLIGHT]

    def enter(self) -> None:
        """Count a request as in progress."""
        with self._lock:
            if not self._row[_IN_FLIGHT]:
                self.busy_since = time.monotonic()
            self._row[_IN_FLIGHT] += 1

    def leave(self) -> None:
        """Count a request as no longer in progress."""
        with self._lock:
            self._row[_IN_FLIGHT] -= 1

    def count_request(self, route: str, status: int, kind: str | None, seconds: float) -> None:
        """Count a response: its route, its status, and its problem type if it has one.

        An unknown route counts as `NO_ROUTE`, an unknown type as `PLAIN_TYPE`, and an unknown
        status as the first of its class. A value missing here must not make a request fail.

        Source: RFC 9110, 15.
        """
        if status not in _STATUS_OFFSETS:
            status = min(max(status // 100, 1), 5) * 100
        cell = self._route_cells.get(route, _REQUESTS) + _STATUS_OFFSETS[status]
        with self._lock:
            self._row[cell] += 1
            if kind is not None:
                self._row[_PROBLEM_CELLS.get(kind, _PROBLEM_CELLS[PLAIN_TYPE])] += 1
            self._row[_TOTAL + bisect_left(SECONDS, seconds)] += 1
            self._row[_TOTAL + _TIMES - 1] += seconds

    def count_result(self, model: str, result: Result) -> None:
        """Count a result: its label, verdict and confidence, and the time of its stages."""
        cells, row = self.models[model], self._row
        label, confidence = cells.labels.get(result.label), result.confidence
        verdict = cells.verdicts[result.verdict]
        with self._lock:
            if label is not None:
                row[label] += 1
            row[verdict] += 1
            row[cells.confidence + bisect_left(CONFIDENCES, confidence)] += 1
            row[cells.confidence + _RATIOS - 1] += confidence
            for stage, cell in cells.stages:
                if stage in result.milliseconds:
                    seconds = result.milliseconds[stage] / 1e3
                    row[cell + bisect_left(SECONDS, seconds)] += 1
                    row[cell + _TIMES - 1] += seconds

    def total(self, field: str) -> NDArray[np.float64]:
        """Return a field of `SLOT`, added up over all workers that ever existed."""
        return self._used()[field].sum(axis=0)

    def model_total(self, model: str, field: str) -> NDArray[np.float64]:
        """Return a field of `MODEL` for one model, added up over all workers."""
        return self._used()["models"][:, self.models[model].index][field].sum(axis=0)

    def _used(self) -> NDArray[np.void]:
        return self._table[: int(self._num_used[0])]


@cache
def shared_metrics() -> Metrics:
    """Return the metrics of this process and all its forks.

    Gunicorn's master calls this first, before it forks, so all workers share the mapping.
    """
    return Metrics()
