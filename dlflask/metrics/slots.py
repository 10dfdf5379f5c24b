"""Counters and histograms of all workers, in shared memory.

The counts are in one anonymous shared mapping, which is created before the workers are forked. The
mapping consists of cells (8-byte numbers). The first cell holds the number of slots in use. All
other cells belong to slots, which are records of the dtype `SLOT`.

Each worker process writes to its own slot only. A reader adds up all slots. When a worker exits,
its counts stay in the slot, and the next worker in this slot adds to them. Counters therefore never
decrease. The CPU reads and writes an aligned 8-byte cell as a whole, so readers do not need a lock.

This module replaces the multiprocess mode of prometheus_client, which takes six times the CPU time
per request and needs a writable folder.
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

#: Number of slots. During a reload, the new workers run beside the old workers. 256 slots therefore
#: suffice for 128 workers.
MAX_WORKERS = 256

#: Maximum numbers of routes and models in a slot, and of labels and verdicts of a model.
#: `register_routes` and `register_model` raise an error if there are more.
MAX_ROUTES, MAX_MODELS, MAX_LABELS, MAX_VERDICTS = 40, 4, 10, 5

#: Name under which requests to unknown paths are counted.
NO_ROUTE = "none"

STATUSES = tuple(int(status) for status in HTTPStatus)
PROBLEM_TYPES = (*map(problem_type, PROBLEMS), PLAIN_TYPE)
STAGES = ("decode", "place", "predict")

#: Upper bounds of the histogram buckets for durations, in seconds. The lowest bounds are for one
#: stage of a small image, the highest for a whole request with a very large image.
SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
#: Upper bounds of the histogram buckets for confidences.
CONFIDENCES = (0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0)

#: Number of cells of a histogram: one for each bucket, one for larger values, and one for the sum
#: of all values.
_NUM_DURATION_CELLS, _NUM_CONFIDENCE_CELLS = len(SECONDS) + 2, len(CONFIDENCES) + 2

#: Record of the cells that count the results of one model.
MODEL = np.dtype(
    [
        ("stages", "f8", (len(STAGES), _NUM_DURATION_CELLS)),
        ("confidence", "f8", _NUM_CONFIDENCE_CELLS),
        ("labels", "f8", MAX_LABELS),
        ("verdicts", "f8", MAX_VERDICTS),
    ]
)
#: Record of the cells of one worker.
SLOT = np.dtype(
    [
        ("in_flight", "f8"),
        ("workers", "f8"),
        ("requests", "f8", (MAX_ROUTES, len(STATUSES))),
        ("problems", "f8", len(PROBLEM_TYPES)),
        ("total", "f8", _NUM_DURATION_CELLS),
        ("models", MODEL, MAX_MODELS),
    ]
)


def _first_cell(record: np.dtype[Any], field: str) -> int:
    """Return the index of the first cell of `field` in a record."""
    return int(record.fields[field][1]) // 8 if record.fields else 0


#: Index of the first cell of each field in a slot.
_IN_FLIGHT, _WORKERS, _REQUESTS, _PROBLEMS, _TOTAL, _MODELS = (
    _first_cell(SLOT, field) for field in SLOT.names or ()
)
_STATUS_OFFSETS = {status: offset for offset, status in enumerate(STATUSES)}
_PROBLEM_CELLS = {kind: _PROBLEMS + i for i, kind in enumerate(PROBLEM_TYPES)}


class ModelCells:
    """Indices of the cells in a slot that count the results of one model."""

    def __init__(self, index: int, info: ModelInfo) -> None:
        self.index, self.info = index, info
        start = _MODELS + index * (MODEL.itemsize // 8)
        stages = start + _first_cell(MODEL, "stages")
        self.stages = [(stage, stages + i * _NUM_DURATION_CELLS) for i, stage in enumerate(STAGES)]
        self.confidence = start + _first_cell(MODEL, "confidence")
        labels = start + _first_cell(MODEL, "labels")
        verdicts = start + _first_cell(MODEL, "verdicts")
        self.labels = {label: labels + i for i, label in enumerate(info.labels)}
        self.verdicts = {verdict: verdicts + i for i, verdict in enumerate(info.verdicts)}


class Metrics:
    """Counts of all workers. This process writes to one slot and reads all slots.

    Attributes:
        started: Start of the service, in seconds since 1970.
        busy_since: Time at which the number of requests in this process last rose from 0 to 1, in
            seconds of `time.monotonic`.
        routes: `NO_ROUTE`, then the registered routes.
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
        # Readers read only the slots used so far, because reading an unused slot would allocate
        # memory for it.
        self._num_used, self._cells = cells[:1], cells[1:]
        self._free = set(range(max_workers))
        self._num_used[0] = 1
        self.register_routes(())
        self.use_slot(0)

    def register_routes(self, routes: Iterable[str]) -> None:
        """Give each route its cells. All processes must register the same routes, in any order.

        Raises:
            ValueError: There are more than `MAX_ROUTES` routes, including `NO_ROUTE`.
        """
        self.routes = (NO_ROUTE, *sorted(set(routes)))
        if len(self.routes) > MAX_ROUTES:
            raise ValueError(
                f"{len(self.routes)} routes were registered; the maximum is {MAX_ROUTES}. "
                "Increase MAX_ROUTES."
            )
        self._route_cells = {
            route: _REQUESTS + i * len(STATUSES) for i, route in enumerate(self.routes)
        }

    def register_model(self, info: ModelInfo) -> None:
        """Give a model its cells. All processes must register the same models in the same order.

        Raises:
            ValueError: There are more than `MAX_MODELS` models, or the model has more than
                `MAX_LABELS` labels or `MAX_VERDICTS` verdicts.
        """
        number, labels, verdicts = len(self.models) + 1, len(info.labels), len(info.verdicts)
        if number > MAX_MODELS or labels > MAX_LABELS or verdicts > MAX_VERDICTS:
            raise ValueError(
                f"The model {info.name} is model number {number}, and has {labels} labels and "
                f"{verdicts} verdicts. The maximum is {MAX_MODELS} models, {MAX_LABELS} labels and "
                f"{MAX_VERDICTS} verdicts. Increase MAX_MODELS, MAX_LABELS or MAX_VERDICTS."
            )
        self.models[info.name] = ModelCells(len(self.models), info)

    def take_slot(self) -> int:
        """Reserve the lowest free slot for a worker that this process will fork, and return it."""
        # If all slots are in use, workers share the last slot. Some of their counts may get lost.
        slot = min(self._free, default=len(self._table) - 1)
        self._free.discard(slot)
        self._num_used[0] = max(self._num_used[0], slot + 1)
        return slot

    def use_slot(self, slot: int) -> None:
        """Write to `slot` from now on. The worker calls this after the fork."""
        slot_cells = SLOT.itemsize // 8
        self._row = self._cells[slot * slot_cells : (slot + 1) * slot_cells]
        # A thread of the parent may have held the old lock during the fork. The old lock would then
        # stay locked in this process, so use a new lock.
        self._lock = threading.Lock()

    def free_slot(self, slot: int) -> None:
        """Free the slot of an exited worker. Set its gauges to 0, but keep its counters."""
        self._table["in_flight"][slot] = 0
        self._table["workers"][slot] = 0
        self._free.add(slot)

    def count_worker(self) -> None:
        """Count this process as a worker that serves requests."""
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
        """Count a response.

        An unknown value must not make a request fail. An unknown route therefore counts as
        `NO_ROUTE`, and an unknown problem type as `PLAIN_TYPE`. An unknown status counts as the
        first status of its class, such as 400 for 499 (source: RFC 9110, section 15).

        Args:
            route: Route of the request.
            status: HTTP status of the response.
            kind: Problem type (URN) if the response is an error, otherwise None.
            seconds: Duration of the request.
        """
        if status not in _STATUS_OFFSETS:
            status = min(max(status // 100, 1), 5) * 100
        cell = self._route_cells.get(route, _REQUESTS) + _STATUS_OFFSETS[status]
        with self._lock:
            self._row[cell] += 1
            if kind is not None:
                self._row[_PROBLEM_CELLS.get(kind, _PROBLEM_CELLS[PLAIN_TYPE])] += 1
            self._row[_TOTAL + bisect_left(SECONDS, seconds)] += 1
            self._row[_TOTAL + _NUM_DURATION_CELLS - 1] += seconds

    def count_result(self, model: str, result: Result) -> None:
        """Count a result: its label, verdict and confidence, and the time of its stages."""
        cells, row = self.models[model], self._row
        label_cell, verdict_cell = cells.labels.get(result.label), cells.verdicts[result.verdict]
        confidence = result.confidence
        with self._lock:
            if label_cell is not None:
                row[label_cell] += 1
            row[verdict_cell] += 1
            row[cells.confidence + bisect_left(CONFIDENCES, confidence)] += 1
            row[cells.confidence + _NUM_CONFIDENCE_CELLS - 1] += confidence
            for stage, cell in cells.stages:
                if stage in result.milliseconds:
                    seconds = result.milliseconds[stage] / 1e3
                    row[cell + bisect_left(SECONDS, seconds)] += 1
                    row[cell + _NUM_DURATION_CELLS - 1] += seconds

    def total(self, field: str) -> NDArray[np.float64]:
        """Return the sum of a field of `SLOT` over all workers that ever existed."""
        return self._used()[field].sum(axis=0)

    def model_total(self, model: str, field: str) -> NDArray[np.float64]:
        """Return the sum of a field of `MODEL` over all workers, for one model."""
        return self._used()["models"][:, self.models[model].index][field].sum(axis=0)

    def _used(self) -> NDArray[np.void]:
        return self._table[: int(self._num_used[0])]


@cache
def shared_metrics() -> Metrics:
    """Return the metrics of this process and all its forks.

    Gunicorn's master process calls this before it forks, so all workers share the mapping.
    """
    return Metrics()
