"""What happened in every worker, counted in shared memory.

Each worker process has a row in one anonymous shared mapping, made before the fork, and is the
only one that writes it. Whoever is asked adds the rows up. A worker that ends leaves its counts
behind, and the next one in its row goes on from them: counts never go back. An aligned 8-byte cell
is read whole, so readers take no lock.
"""

from __future__ import annotations

import mmap
import threading
import time
from bisect import bisect_left
from http import HTTPStatus

import numpy as np
from numpy.typing import NDArray

from dlflask.digits.prediction import Prediction
from dlflask.digits.thresholds import NOT_A_DIGIT, VERDICTS
from dlflask.web.problems import PLAIN_TYPE, PROBLEMS, problem_type

#: A reload starts the new workers beside the old ones; so many are on no one machine.
MAX_WORKERS = 256

#: Addresses as the application knows them; the last is where there is nothing.
NOWHERE = "none"
ROUTES = (
    *("/", "/predictlabel", "/predictlabels", "/openapi.json", "/reference"),
    *("/livez", "/readyz", "/metrics", "/static/<path:filename>"),
    *("/v2", "/v2/health/live", "/v2/health/ready"),
    *("/v2/models/mnist", "/v2/models/mnist/ready", "/v2/models/mnist/infer"),
    *("/v2/models/mnist/versions/1", "/v2/models/mnist/versions/1/ready"),
    *("/v2/models/mnist/versions/1/infer", NOWHERE),
)
STATUSES = tuple(int(status) for status in HTTPStatus)
TYPES = (*map(problem_type, PROBLEMS), PLAIN_TYPE)
STAGES = ("decode", "place", "predict", "total")

#: From the stages of a small digit (0.1 ms) to the largest pictures.
SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
CONFIDENCES = (0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0)

#: A histogram is its buckets, the one above them all, and the sum of what was observed.
ROW = np.dtype(
    [
        ("in_flight", "f8"),
        ("workers", "f8"),
        ("requests", "f8", (len(ROUTES), len(STATUSES))),
        ("problems", "f8", len(TYPES)),
        ("stages", "f8", (len(STAGES), len(SECONDS) + 2)),
        ("confidence", "f8", len(CONFIDENCES) + 2),
        ("digits", "f8", NOT_A_DIGIT),
        ("verdicts", "f8", len(VERDICTS)),
    ]
)


def _first_cell(field: str) -> int:
    return int(ROW.fields[field][1]) // 8 if ROW.fields else 0


IN_FLIGHT, WORKERS, REQUESTS = map(_first_cell, ("in_flight", "workers", "requests"))
PROBLEM, CONFIDENCE = map(_first_cell, ("problems", "confidence"))
DIGIT, VERDICT = map(_first_cell, ("digits", "verdicts"))
*_STAGE_CELLS, (_, TOTAL) = (
    (stage, _first_cell("stages") + i * (len(SECONDS) + 2)) for i, stage in enumerate(STAGES)
)

_ROUTE_CELLS = {route: REQUESTS + i * len(STATUSES) for i, route in enumerate(ROUTES)}
_STATUS_OFFSETS = {status: i for i, status in enumerate(STATUSES)}
_TYPE_CELLS = {kind: PROBLEM + i for i, kind in enumerate(TYPES)}
_VERDICT_CELLS = {verdict: VERDICT + i for i, verdict in enumerate(VERDICTS)}


class Metrics:
    """The counts of all workers; this process writes those of one row.

    Attributes:
        started: In seconds since 1970.
        busy_since: When a request last came to this process while it was idle, in seconds of
            `time.monotonic`.

    prometheus_client's own files per process take 23 µs of CPU for what a request counts; plain
    cells under one lock take 4.
    """

    def __init__(self, max_workers: int = MAX_WORKERS) -> None:
        self.started = time.time()
        self.busy_since = time.monotonic()
        memory = mmap.mmap(-1, max_workers * ROW.itemsize)
        self._table = np.frombuffer(memory, ROW)
        self._cells = memoryview(memory).cast("d")
        self._free = set(range(max_workers))
        self.use_row(0)

    def take_row(self) -> int:
        """The lowest free row, for a worker about to be forked; called by its parent only."""
        # With more workers than rows the surplus shares the last one, and may lose a count.
        row = min(self._free, default=len(self._table) - 1)
        self._free.discard(row)
        return row

    def use_row(self, row: int) -> None:
        """Count in `row` from now on; called after the fork, by the worker."""
        cells = ROW.itemsize // 8
        self._row = self._cells[row * cells : (row + 1) * cells]
        # A lock that another thread of the parent held at the fork would stay locked.
        self._lock = threading.Lock()

    def free_row(self, row: int) -> None:
        """The worker of `row` has ended, however it did: what it was doing it does no more."""
        self._table["in_flight"][row] = 0
        self._table["workers"][row] = 0
        self._free.add(row)

    def count_worker(self) -> None:
        """This process serves."""
        self._row[WORKERS] = 1

    @property
    def in_flight(self) -> float:
        """Requests in work in this process."""
        return self._row[IN_FLIGHT]

    def enter(self) -> None:
        """A request has come in."""
        with self._lock:
            if not self._row[IN_FLIGHT]:
                self.busy_since = time.monotonic()
            self._row[IN_FLIGHT] += 1

    def leave(self) -> None:
        """The request that came in has been answered."""
        with self._lock:
            self._row[IN_FLIGHT] -= 1

    def count_request(self, route: str, status: int, kind: str | None, seconds: float) -> None:
        """Count an answer: its route, its status, and the type of the problem if it is one.

        An unknown route counts as `NOWHERE`, an unknown type as `PLAIN_TYPE`, an unknown status as
        the first of its class (RFC 9110, 15): what this module does not list must not fail a
        request.
        """
        if status not in _STATUS_OFFSETS:
            status = min(max(status // 100, 1), 5) * 100
        cell = _ROUTE_CELLS.get(route, _ROUTE_CELLS[NOWHERE]) + _STATUS_OFFSETS[status]
        with self._lock:
            self._row[cell] += 1
            if kind is not None:
                self._row[_TYPE_CELLS.get(kind, _TYPE_CELLS[PLAIN_TYPE])] += 1
            self._row[TOTAL + bisect_left(SECONDS, seconds)] += 1
            self._row[TOTAL + len(SECONDS) + 1] += seconds

    def count_reading(self, prediction: Prediction, milliseconds: dict[str, float]) -> None:
        """Count a prediction: digit, verdict, confidence, and the time of its three stages."""
        probabilities = prediction.probabilities.tolist()
        confidence = max(probabilities)
        digit = DIGIT + probabilities.index(confidence)
        verdict = _VERDICT_CELLS[prediction.verdict]
        row = self._row
        with self._lock:
            row[digit] += 1
            row[verdict] += 1
            row[CONFIDENCE + bisect_left(CONFIDENCES, confidence)] += 1
            row[CONFIDENCE + len(CONFIDENCES) + 1] += confidence
            for name, cell in _STAGE_CELLS:
                if name not in milliseconds:
                    continue  # A tensor that was sent as such is not decoded.
                seconds = milliseconds[name] / 1e3
                row[cell + bisect_left(SECONDS, seconds)] += 1
                row[cell + len(SECONDS) + 1] += seconds

    def total(self, field: str) -> NDArray[np.float64]:
        """A field of `ROW`, added up over all workers that ever were."""
        return self._table[field].sum(axis=0)


#: Made where the module is first imported: under gunicorn that is its master, before any fork.
SHARED = Metrics()
