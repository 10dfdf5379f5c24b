"""Read and check the settings of the server process: port, workers and Keras backend."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from importlib.util import find_spec

from dlflask.errors import ConfigError
from dlflask.inference.environment import DEFAULT_BACKEND

DEFAULT_PORT = 8000
MAX_PORT = 65535

#: Maximum number of workers. It is far above any number of CPUs, and rejects only typing mistakes
#: such as 4000.
MAX_WORKERS = 1024

_BACKENDS = ("openvino", "tensorflow", "jax", "torch")


def parse_number(name: str, text: str, maximum: int) -> int:
    """Return `text` as a whole number from 1 to `maximum`.

    Raises:
        ConfigError: The text is not such a number. The message gives `name`, the setting's name.
    """
    if text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= maximum:
        return int(text)
    raise ConfigError(f"{name} is {text!r}; expected a whole number from 1 to {maximum}.")


def read_port(environment: Mapping[str, str]) -> int:
    """Return the port in the variable PORT, or the default port."""
    return parse_number("PORT", environment.get("PORT") or str(DEFAULT_PORT), MAX_PORT)


def read_workers(environment: Mapping[str, str], default: int) -> int:
    """Return the number of workers in Gunicorn's variable WEB_CONCURRENCY, or `default`."""
    text = environment.get("WEB_CONCURRENCY") or str(default)
    return parse_number("WEB_CONCURRENCY", text, MAX_WORKERS)


def check_backend(environment: Mapping[str, str]) -> str:
    """Return the name of the Keras backend in KERAS_BACKEND, or the default backend.

    Raises:
        ConfigError: Keras does not know the backend, or its package is not installed.
    """
    name = environment.get("KERAS_BACKEND") or DEFAULT_BACKEND
    if name not in _BACKENDS:
        raise ConfigError(
            f"KERAS_BACKEND is {name!r}; it must be one of {', '.join(_BACKENDS)}. Unset it to use "
            "OpenVINO."
        )
    if find_spec(name) is None:
        raise ConfigError(
            f"KERAS_BACKEND is {name!r}, but this package is not installed. Unset KERAS_BACKEND to "
            "use OpenVINO."
        )
    return name


def check_address(host: str, port: int) -> None:
    """Check that a server can listen at `host` and `port`.

    Raises:
        ConfigError: The port is in use, or the address does not belong to this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # Like Gunicorn, `create_server` ignores closing connections of a server that just stopped.
        socket.create_server((host, port), family=family).close()
    except (OSError, UnicodeError) as error:
        # create_server appends the address to the message. Remove the address, because the new
        # message also names it.
        reason = str(getattr(error, "strerror", None) or error).partition(" (while ")[0]
        raise ConfigError(
            f"The service cannot listen at {host}:{port} ({reason}). Choose another port, as in "
            "`make run PORT=8001` or `python -m dlflask serve --port 8001`."
        ) from error
