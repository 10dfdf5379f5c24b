"""What the views share: this application's classifier, settings, counts and state."""

from __future__ import annotations

from flask import current_app, request

from dlflask.admission import Admission
from dlflask.config import Config
from dlflask.metrics import Metrics
from dlflask.readiness import Readiness
from dlflask.reading import ReadsDigits

#: Where create_app leaves these in `app.extensions`.
CLASSIFIER, CONFIG = "dlflask.classifier", "dlflask.config"
METRICS, READINESS = "dlflask.metrics", "dlflask.readiness"
ADMISSION = "dlflask.admission"


def classifier() -> ReadsDigits:
    """What reads the digits."""
    found: ReadsDigits = current_app.extensions[CLASSIFIER]
    return found


def config() -> Config:
    """The settings."""
    found: Config = current_app.extensions[CONFIG]
    return found


def metrics() -> Metrics:
    """Where to count."""
    found: Metrics = current_app.extensions[METRICS]
    return found


def readiness() -> Readiness:
    """Whether this worker is to be sent requests."""
    found: Readiness = current_app.extensions[READINESS]
    return found


def check_worth() -> None:
    """Whether to compute at all.

    Raises:
        SelfTestFailed: The network failed its self-test.
        Expired: The request has waited too long.
        Abandoned: The client has gone.
    """
    readiness().check()
    admission: Admission = current_app.extensions[ADMISSION]
    counts = metrics()
    admission.check(request.environ, counts.in_flight, counts.busy_since)
