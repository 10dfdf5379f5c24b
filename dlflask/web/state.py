"""What the views share: this application's settings, classifier, counts and state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app

from dlflask.config import Config
from dlflask.digits.reading import Reading, ReadsDigits, read_digit
from dlflask.metrics.slots import Metrics
from dlflask.web.health import Readiness
from dlflask.web.load_shedding import Admission

_NAME = "dlflask"


@dataclass(frozen=True)
class Service:
    """One application's parts.

    Attributes:
        classifier: What reads the digits.
        metrics: Where to count.
        readiness: Whether this worker is to be sent requests.
        admission: Whether a request is still worth its work.
    """

    config: Config
    classifier: ReadsDigits
    metrics: Metrics
    readiness: Readiness
    admission: Admission

    def check_worth(self, environ: Mapping[str, Any]) -> None:
        """Whether to compute at all.

        Raises:
            SelfTestFailed: The network failed its self-test.
            Expired: The request has waited too long.
            Abandoned: The client has gone.
        """
        self.readiness.check()
        self.admission.check(environ, self.metrics.in_flight, self.metrics.busy_since)

    def read(self, upload: bytes, environ: Mapping[str, Any]) -> Reading:
        """Read and count one picture.

        Raises:
            Declined: As by `check_worth`.
            ImageError: The upload holds no picture of a digit.
        """
        self.check_worth(environ)
        reading = read_digit(upload, self.classifier)
        self.count(reading)
        return reading

    def count(self, reading: Reading) -> None:
        """Count a picture that was read."""
        self.metrics.count_reading(reading.prediction, reading.milliseconds)


def attach(service: Service, app: Flask) -> None:
    """Make `service` that of `app`."""
    app.extensions[_NAME] = service


def service_of(app: Flask) -> Service:
    """The service that was attached to `app`."""
    found: Service = app.extensions[_NAME]
    return found


def current_service() -> Service:
    """That of the application whose request is being answered."""
    return service_of(current_app)
