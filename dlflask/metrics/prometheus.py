"""The counts of all workers in, the text that Prometheus reads out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from dlflask.digits.thresholds import NOT_A_DIGIT, VERDICTS
from dlflask.errors import Declined
from dlflask.metrics.slots import CONFIDENCES, ROUTES, SECONDS, STAGES, STATUSES, TYPES, Metrics
from dlflask.web.problems import PROBLEMS, problem_type

#: Of the form that every release of Prometheus reads.
CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

#: Problems that are work left undone, and what they are called as a reason.
SHED = {problem_type(e): e.__name__.lower() for e in PROBLEMS if issubclass(e, Declined)}

Counts = NDArray[np.float64]


def expose(metrics: Metrics, sha256: str, version: str) -> bytes:
    """Everything counted, and the model and version that are served, as Prometheus's text."""
    return generate_latest(_Families(metrics, sha256, version))


class _Families(Collector):
    def __init__(self, metrics: Metrics, sha256: str, version: str) -> None:
        self._metrics, self._sha256, self._version = metrics, sha256, version

    def collect(self) -> Iterator[Metric]:
        total = self._metrics.total
        answered = zip(product(ROUTES, map(str, STATUSES)), total("requests").flat, strict=True)
        yield _count(
            *("dlflask_requests", "Answers, by route and status.", ("route", "status")),
            {labels: count for labels, count in answered if count},
        )
        problems = dict(zip(TYPES, total("problems"), strict=True))
        yield _count("dlflask_problems", "Answers that are problems, by type.", "type", problems)
        yield _count(
            *("dlflask_shed", "Requests whose work was left undone, by reason.", "reason"),
            {reason: problems[kind] for kind, reason in SHED.items()},
        )
        yield _histogram(
            *("dlflask_stage_seconds", "Time of each stage of a request.", SECONDS),
            dict(zip(STAGES, total("stages"), strict=True)),
        )
        yield _histogram(
            *("dlflask_confidence_ratio", "Probability of the most probable digit.", CONFIDENCES),
            {"": total("confidence")},
        )
        digits = dict(zip(map(str, range(NOT_A_DIGIT)), total("digits"), strict=True))
        yield _count("dlflask_digits", "Predictions, by most probable digit.", "digit", digits)
        verdicts = dict(zip(VERDICTS, total("verdicts"), strict=True))
        yield _count("dlflask_verdicts", "Predictions, by verdict.", "verdict", verdicts)
        in_flight, workers = float(total("in_flight")), float(total("workers"))
        yield GaugeMetricFamily("dlflask_requests_in_flight", "Requests in work.", in_flight)
        yield GaugeMetricFamily("dlflask_workers", "Worker processes that serve.", workers)
        yield GaugeMetricFamily(
            "dlflask_start_time_seconds", "When the service started.", self._metrics.started
        )
        model = {"sha256": self._sha256, "version": self._version}
        yield InfoMetricFamily("dlflask_model", "The model and the service.", model)


def _count(
    name: str, help_text: str, labels: str | tuple[str, ...], counts: Mapping[Any, float]
) -> Metric:
    names = (labels,) if isinstance(labels, str) else labels
    family = CounterMetricFamily(name, help_text, labels=names)
    for values, count in counts.items():
        family.add_metric((values,) if isinstance(values, str) else values, count)
    return family


def _histogram(
    name: str, help_text: str, bounds: Sequence[float], cells: Mapping[str, Counts]
) -> Metric:
    """Give the buckets as Prometheus wants them: each holds all that is in those below it."""
    is_staged = "" not in cells
    family = HistogramMetricFamily(name, help_text, labels=("stage",) if is_staged else ())
    edges = [*map(str, map(float, bounds)), "+Inf"]
    for stage, values in cells.items():
        counted = list(zip(edges, accumulate(values[:-1].tolist()), strict=True))
        family.add_metric((stage,) if is_staged else (), counted, float(values[-1]))
    return family
