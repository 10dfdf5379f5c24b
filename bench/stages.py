"""One request in, the microseconds of its stages out: the WSGI application in this process.

Gunicorn and the network are not part of it; what they cost is what the floor costs.
"""

from __future__ import annotations

import cProfile
import io
import pstats
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pkgutil import resolve_name
from statistics import median
from typing import Any
from unittest.mock import patch

from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from bench.pictures import CONTENT_TYPE, Picture
from dlflask.service import service_of

#: Where each stage is: a module, a class or the application's classifier, and the name in it.
CLASSIFIER = "classifier"
STAGES = {
    "parse": [("dlflask.shortcut", "plain_upload")],
    "decode": [("dlflask.reading", "decode_image")],
    "place": [("dlflask.reading", "to_mnist")],
    "network": [(CLASSIFIER, "predict")],
    "JSON": [("dlflask.prediction:Prediction", "to_json")],
}
REST, TOTAL = "rest", "sum"

WARM_REQUESTS = 20


class StageNotEntered(Exception):
    """A request went past a stage: the code has changed, and `STAGES` has not."""


def profile(app: Flask, picture: Picture, requests: int) -> dict[str, float]:
    """Median microseconds of each stage of `POST /predictlabel` and of the rest, and their sum.

    The sum, not the median of whole requests: on a busy machine every other request is interrupted
    somewhere, and no stage is to blame.

    Raises:
        StageNotEntered: A name in `STAGES` is not what the request goes through.
    """
    spent: dict[str, list[float]] = defaultdict(list)
    with _timed_stages(app) as stages:
        for number in range(WARM_REQUESTS + requests):
            environ = _environ(picture)
            stages.clear()
            started = time.perf_counter()
            _answer(app, environ)
            total = time.perf_counter() - started
            if missing := STAGES.keys() - stages.keys():
                raise StageNotEntered(f"{sorted(missing)}: name them anew in bench/stages.py")
            if number >= WARM_REQUESTS:
                rest = total - sum(stages.values())
                for name, seconds in [*stages.items(), (REST, rest)]:
                    spent[name].append(seconds)
    medians = {name: 1e6 * median(spent[name]) for name in (*STAGES, REST)}
    return medians | {TOTAL: sum(medians.values())}


def slowest_functions(app: Flask, picture: Picture, requests: int, count: int = 15) -> str:
    """A table of the functions that take most themselves; the profiler slows Python, not C."""
    environs = [_environ(picture) for _ in range(requests)]
    profiler = cProfile.Profile()
    profiler.enable()
    for environ in environs:
        _answer(app, environ)
    profiler.disable()
    found: Any = pstats.Stats(profiler)
    rows = sorted(found.stats.items(), key=lambda row: -row[1][2])[:count]
    lines = ["| function | calls a request | us a request |", "|---|---|---|"]
    for (file, _, name), (_, calls, own, *_) in rows:
        place = "/".join(file.split("/")[-2:])
        lines.append(f"| `{place} {name}` | {calls / requests:.1f} | {1e6 * own / requests:.1f} |")
    return "\n".join(lines)


def to_markdown(tables: dict[str, dict[str, float]]) -> str:
    """Stages as rows; for each picture microseconds and share."""
    lines = [
        "| stage | " + " | ".join(f"{name}, us | share" for name in tables) + " |",
        "|---" * (1 + 2 * len(tables)) + "|",
    ]
    for stage in (*STAGES, REST, TOTAL):
        cells = [
            f"{table[stage]:,.0f} | {table[stage] / table[TOTAL]:.0%}" for table in tables.values()
        ]
        lines.append(f"| {stage} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _environ(picture: Picture) -> dict[str, Any]:
    return EnvironBuilder(
        "/predictlabel",
        method="POST",
        input_stream=io.BytesIO(picture.form),
        content_length=len(picture.form),
        content_type=CONTENT_TYPE,
    ).get_environ()


def _answer(app: Flask, environ: dict[str, Any]) -> None:
    _, status, _ = run_wsgi_app(app, environ, buffered=True)
    if status != "200 OK":
        raise RuntimeError(f"The application answers {status} to the benchmark's own picture.")


@contextmanager
def _timed_stages(app: Flask) -> Iterator[dict[str, float]]:
    """Put a clock around each stage; yields the seconds of each since it was last cleared."""
    spent: dict[str, float] = {}
    with ExitStack() as stack:
        for stage, places in STAGES.items():
            for where, name in places:
                owner = service_of(app).classifier if where == CLASSIFIER else resolve_name(where)
                timed = _timed(getattr(owner, name), stage, spent)
                stack.enter_context(patch.object(owner, name, timed))
        yield spent


def _timed(function: Callable[..., Any], stage: str, spent: dict[str, float]) -> Callable[..., Any]:
    def timed(*args: Any, **options: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*args, **options)
        finally:
            spent[stage] = spent.get(stage, 0.0) + time.perf_counter() - started

    return timed
