"""The service under gunicorn, with the project's own configuration."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import NoReturn

from dlflask.config import ROOT


def serve(host: str, port: int, workers: int | None) -> NoReturn:
    """Become gunicorn: signals and the exit status are its own from here on."""
    environment = dict(os.environ) | {"PORT": str(port)}
    if workers is not None:
        environment["WEB_CONCURRENCY"] = str(workers)
    os.execve(sys.executable, command(host, port), environment)  # noqa: S606


def command(host: str, port: int) -> list[str]:
    """The command line of gunicorn."""
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    config = str(ROOT / "gunicorn.conf.py")
    options = ["--config", config, "--chdir", str(ROOT), "--bind", bind]
    return [sys.executable, "-m", "gunicorn", *options, "server:app"]


def port_of(environment: Mapping[str, str]) -> int:
    """The port that `make run` would take."""
    return int(environment.get("PORT", "8000"))
