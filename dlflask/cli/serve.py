"""`serve`: start the service under Gunicorn with the project's configuration."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

from dlflask.config import PREFIX, ROOT
from dlflask.server.settings import check_address, check_backend, read_port, read_workers

_MODEL_PATH = f"{PREFIX}MODEL_PATH"


def serve(host: str, port: str, workers: str | None, model: Path | None) -> NoReturn:
    """Replace this process by Gunicorn, which then receives signals and sets the exit status.

    Check the settings before, so that an error is reported in one line. gunicorn.conf.py makes the
    same checks, but its errors appear among the messages of Gunicorn.

    Raises:
        ConfigError: The port or the number of workers is not valid, the address cannot be used, or
            the Keras backend is not installed.
    """
    environment = dict(os.environ) | {"PORT": port}
    if workers is not None:
        environment["WEB_CONCURRENCY"] = workers
    if path := model or environment.get(_MODEL_PATH):
        # Gunicorn changes to the project's folder, where a relative path would name another file.
        environment[_MODEL_PATH] = str(Path(path).absolute())
    port_number = read_port(environment)
    read_workers(environment, 1)
    check_backend(environment)
    check_address(host, port_number)
    os.execve(sys.executable, gunicorn_command(host, port_number), environment)  # noqa: S606


def gunicorn_command(host: str, port: int) -> list[str]:
    """Return the command line of Gunicorn."""
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    config = str(ROOT / "gunicorn.conf.py")
    options = ["--config", config, "--chdir", str(ROOT), "--bind", bind]
    # Prefer the script `gunicorn`. If Gunicorn was started by `python -m`, it cannot replace its
    # main process on SIGUSR2.
    script = Path(sys.executable).with_name("gunicorn")
    program = [str(script)] if script.is_file() else ["-m", "gunicorn"]
    return [sys.executable, *program, *options, "server:app"]
