"""Functions that are called with any bytes and raise an AssertionError where the service fails."""

import io
import json
import re
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
from werkzeug.test import create_environ, run_wsgi_app

from dlflask.config import Config
from dlflask.digits.normalization import read_tensor
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.errors import ImageError
from dlflask.web.app import create_app
from tests.conftest import FakeClassifier

_CLASSIFIER = FakeClassifier()
_APP = create_app(Config(), DigitRecogniser(_CLASSIFIER))
_STATUS, _SWITCH = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


#: CPU time and memory of one image: the limits in the README, and half a second for one piece.
MAX_SECONDS, MAX_MEGABYTES = 2.5, 320


def decode(upload):
    """Check that any bytes give a tensor or an `ImageError`, in limited CPU time and memory."""
    started, before = time.thread_time(), _restart_peak()
    try:
        tensor = read_tensor(upload)
    except ImageError:
        return
    finally:
        assert time.thread_time() - started <= MAX_SECONDS
        assert _peak() - before <= MAX_MEGABYTES
    assert tensor.shape == (28, 28)
    assert tensor.dtype == np.float32
    assert np.isfinite(tensor).all()
    assert tensor.min() >= 0
    assert tensor.max() <= 1


def _restart_peak():
    """Reset the peak of memory, where Linux permits it; return the peak in megabytes."""
    with suppress(OSError):
        _SWITCH.write_text("5")
    return _peak()


def _peak():
    try:
        return int(re.search(r"VmHWM:\s+(\d+)", _STATUS.read_text())[1]) / 1e3
    except (OSError, TypeError):
        return 0.0


def post(request):
    """Check that any request gets a response below 500, and a problem unless it succeeds."""
    _CLASSIFIER.tensors.clear()
    environ = _environ(request)
    chunks, status, headers = run_wsgi_app(_APP, environ, buffered=True)
    code, body = int(status.split()[0]), b"".join(chunks)
    assert code < 500
    assert body or environ["REQUEST_METHOD"] == "HEAD" or code in (204, 304)
    assert headers["X-Request-ID"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    if body and code >= 400 and headers["Content-Type"] != "text/html; charset=utf-8":
        assert headers["Content-Type"] == "application/problem+json"
        problem = json.loads(body)
        assert problem["success"] is False
        assert problem["status"] == code


def _environ(request):
    """Return the environ that gunicorn makes of the headers that it accepts."""
    head, _, body = request.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    method, _, target = line.partition(" ")
    path, _, query = target.partition("?")
    environ = create_environ("/", method=method if _TOKEN.fullmatch(method) else "POST")
    environ |= {"PATH_INFO": path or "/", "QUERY_STRING": query}
    environ["wsgi.input"] = io.BytesIO(body)
    for field in fields:
        name, _, value = field.partition(":")
        if _TOKEN.fullmatch(name):
            key = name.upper().replace("-", "_")
            named = key in ("CONTENT_TYPE", "CONTENT_LENGTH")
            environ[key if named else f"HTTP_{key}"] = value.strip()
    return environ


TARGETS = {"decode": decode, "post": post}
