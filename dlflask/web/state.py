"""State of one application: its settings, recognisers, metrics and health."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app

from dlflask.config import Config
from dlflask.errors import DlflaskError
from dlflask.metrics.slots import Metrics
from dlflask.recogniser import Recogniser, Result, read
from dlflask.web.health import Health
from dlflask.web.load_shedding import LoadShedder

_KEY = "dlflask"


@dataclass(frozen=True)
class State:
    """Parts of one application.

    Attributes:
        config: The settings.
        recognisers: Each recogniser by its name.
        metrics: Counters of requests and results.
        health: Health of this worker.
        load_shedder: Rejects requests if this worker is overloaded.
    """

    config: Config
    recognisers: Mapping[str, Recogniser[Any]]
    metrics: Metrics
    health: Health
    load_shedder: LoadShedder

    def admit(self, environ: Mapping[str, Any]) -> None:
        """Raise an error if the request should be rejected before inference.

        Raises:
            SelfTestFailed: A recogniser failed its self-test.
            Expired: The request has waited too long.
            Abandoned: The client has disconnected.
        """
        self.health.check()
        self.load_shedder.check(environ, self.metrics.in_flight, self.metrics.busy_since)

    def read(self, recogniser: Recogniser[Any], upload: bytes, environ: Mapping[str, Any]) -> Any:
        """Read and count one image. Return the recogniser's result.

        Raises:
            Declined: One of the errors that `admit` raises.
            ImageError: The image cannot be read.
        """
        self.admit(environ)
        result = read(recogniser, upload)
        self.metrics.count_result(recogniser.info.name, result)
        return result

    def read_many(
        self,
        recogniser: Recogniser[Any],
        uploads: Sequence[bytes | DlflaskError],
        environ: Mapping[str, Any],
        deadline: float | None = None,
    ) -> list[Any]:
        """Read several images with `Recogniser.read_many`, and count the results.

        Raises:
            Declined: One of the errors that `admit` raises.
        """
        self.admit(environ)
        results = recogniser.read_many(uploads, deadline)
        self.count(recogniser, [each for each in results if not isinstance(each, DlflaskError)])
        return results

    def count(self, recogniser: Recogniser[Any], results: Sequence[Result]) -> None:
        """Count results of a recogniser."""
        name = recogniser.info.name
        for result in results:
            self.metrics.count_result(name, result)


def attach(state: State, app: Flask) -> None:
    """Make `state` the state of `app`."""
    app.extensions[_KEY] = state


def get_state(app: Flask) -> State:
    """Return the state that was attached to `app`."""
    state: State = app.extensions[_KEY]
    return state


def current_state() -> State:
    """Return the state of the application that handles the current request."""
    return get_state(current_app)
