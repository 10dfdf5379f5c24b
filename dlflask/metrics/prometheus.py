"""Prometheus text format of the counts of all workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, product

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

from dlflask.errors import Declined
from dlflask.metrics.slots import (
    CONFIDENCES,
    PROBLEM_TYPES,
    SECONDS,
    STAGES,
    STATUSES,
    Metrics,
)
from dlflask.problem_types import PROBLEMS, problem_type

#: Media type of the text format. Every release of Prometheus reads this version of the format.
CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

#: Values of the label `reason`. The keys are the problem types (URNs) of requests that are rejected
#: for a reason other than their image.
SHED = {
    problem_type(error): error.__name__.lower() for error in PROBLEMS if issubclass(error, Declined)
}

Counts = NDArray[np.float64]
Labels = tuple[str, ...]


def render(metrics: Metrics, version: str) -> bytes:
    """Return all counts, the models and the version of the service as Prometheus text."""
    return generate_latest(_Families(metrics, version))


class _Families(Collector):
    """All metrics in the form that `generate_latest` reads."""

    def __init__(self, metrics: Metrics, version: str) -> None:
        self._metrics, self._version = metrics, version

    def collect(self) -> Iterator[Metric]:
        metrics = self._metrics
        yield from self._requests()
        yield from self._results()
        in_flight, workers = float(metrics.total("in_flight")), float(metrics.total("workers"))
        yield GaugeMetricFamily("dlflask_requests_in_flight", "Requests in progress.", in_flight)
        yield GaugeMetricFamily("dlflask_workers", "Worker processes that serve.", workers)
        yield GaugeMetricFamily(
            "dlflask_start_time_seconds", "Start of the service.", metrics.started
        )
        info = InfoMetricFamily(
            "dlflask_model", "Models and version of the service.", labels=["model"]
        )
        for name, model in metrics.models.items():
            info.add_metric([name], {"sha256": model.info.sha256, "version": self._version})
        yield info

    def _requests(self) -> Iterator[Metric]:
        metrics = self._metrics
        counted = metrics.total("requests")[: len(metrics.routes)].flat
        requests = zip(product(metrics.routes, map(str, STATUSES)), counted, strict=True)
        yield _counter(
            "dlflask_requests",
            "Responses, by route and status.",
            ("route", "status"),
            {labels: count for labels, count in requests if count},
        )
        problems = dict(zip(PROBLEM_TYPES, metrics.total("problems"), strict=True))
        yield _counter(
            "dlflask_problems",
            "Error responses (problem documents of RFC 9457), by type.",
            ("type",),
            {(kind,): count for kind, count in problems.items()},
        )
        yield _counter(
            "dlflask_shed",
            "Requests that were rejected independently of their image, by reason.",
            ("reason",),
            {(reason,): problems[kind] for kind, reason in SHED.items()},
        )

    def _results(self) -> Iterator[Metric]:
        metrics = self._metrics
        labels: dict[Labels, float] = {}
        verdicts: dict[Labels, float] = {}
        confidence: dict[Labels, Counts] = {}
        stages: dict[Labels, Counts] = {("", "total"): metrics.total("total")}
        for name, model in metrics.models.items():
            # `counted` has room for the labels or verdicts of any model. Read only this model's.
            for kinds, counts, field in (
                (model.info.labels, labels, "labels"),
                (model.info.verdicts, verdicts, "verdicts"),
            ):
                counted = metrics.model_total(name, field)
                counts |= {(name, kind): counted[i] for i, kind in enumerate(kinds)}
            confidence[name,] = metrics.model_total(name, "confidence")
            times = metrics.model_total(name, "stages")
            stages |= {(name, stage): times[i] for i, stage in enumerate(STAGES)}
        yield _histogram(
            "dlflask_stage_seconds",
            "Time of each stage of a request.",
            ("model", "stage"),
            SECONDS,
            stages,
        )
        yield _histogram(
            "dlflask_confidence_ratio",
            "Probability of the result.",
            ("model",),
            CONFIDENCES,
            confidence,
        )
        yield _counter(
            "dlflask_digits", "Predictions, by most probable digit.", ("model", "digit"), labels
        )
        yield _counter("dlflask_verdicts", "Results, by verdict.", ("model", "verdict"), verdicts)


def _counter(name: str, help_text: str, names: Labels, counts: Mapping[Labels, float]) -> Metric:
    family = CounterMetricFamily(name, help_text, labels=names)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family


def _histogram(
    name: str,
    help_text: str,
    names: Labels,
    bounds: Sequence[float],
    counts: Mapping[Labels, Counts],
) -> Metric:
    """Return a histogram.

    `counts` has an array for each combination of labels: the count of each bucket, and then the sum
    of all measured values. In Prometheus, a bucket also counts the values of all lower buckets.
    """
    family = HistogramMetricFamily(name, help_text, labels=names)
    edges = [*map(str, map(float, bounds)), "+Inf"]
    for values, counted in counts.items():
        buckets = list(zip(edges, accumulate(counted[:-1].tolist()), strict=True))
        family.add_metric(values, buckets, float(counted[-1]))
    return family
