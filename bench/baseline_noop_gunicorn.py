"""How the floor runs: by this project's own settings, but for the hook that compiles the model."""

import runpy
from typing import Any

from dlflask.config import ROOT

globals().update(runpy.run_path(str(ROOT / "gunicorn.conf.py")))


def post_worker_init(worker: Any) -> None:
    """Nothing is compiled."""
    worker.log.info("Worker is ready, pid %s", worker.pid)
