"""Gunicorn's settings for the baseline without recognition: the service's settings but no model."""

import runpy
from typing import Any

from dlflask.config import ROOT

globals().update(runpy.run_path(str(ROOT / "gunicorn.conf.py")))


def post_worker_init(worker: Any) -> None:
    """Log that the worker is ready, without compiling a model."""
    worker.log.info("Worker is ready, pid %s", worker.pid)


def when_ready(_: Any) -> None:
    """Do nothing: this application does not have a model."""
