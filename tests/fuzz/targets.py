"""Functions that are called with any bytes and raise an AssertionError where the service fails."""

import io
import json
import re
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from werkzeug.test import create_environ, run_wsgi_app

from dlflask.config import Config
from dlflask.digits.normalization import read_tensor
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.errors import ImageError
from dlflask.numbers.decoding.lengths import Lengths
from dlflask.numbers.normalization import HEIGHT
from dlflask.numbers.recogniser import NumberRecogniser
from dlflask.recogniser import read
from dlflask.web.app import create_app
from tests.conftest import FakeClassifier, FakeNetwork

_CLASSIFIER = FakeClassifier()
_NUMBERS = NumberRecogniser(FakeNetwork("18.0-14"), _CLASSIFIER)
_APP = create_app(Config(), DigitRecogniser(_CLASSIFIER), _NUMBERS)
_STATUS, _SWITCH = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


#: CPU time and memory of one image: the limits in the README, and half a second for one piece.
MAX_SECONDS, MAX_MEGABYTES = 2.5, 320


def decode(upload):
    """Check that any bytes give a tensor or an `ImageError`, in limited CPU time and memory."""
    with suppress(ImageError), _limited():
        _check_tensor(read_tensor(upload))


def read_number(upload):
    """Check that any bytes give lines or an `ImageError`, with the limits of `decode`."""
    for recogniser in (_NUMBERS, _NUMBERS.expecting(Lengths(2, 4))):
        with suppress(ImageError), _limited():
            result = read(recogniser, upload)
            assert json.loads(recogniser.encode(result, details=True))["success"] is True
            for line in result.lines:
                _check_line(line)


def _check_line(line):
    assert line.strip.shape[0] == HEIGHT
    assert np.isfinite(line.strip).all()
    assert 0 <= line.strip.min() <= line.strip.max() <= 1
    for character in line.characters:
        assert min(character.box) >= 0
        if character.second:
            _check_tensor(character.second.tensor)


def _check_tensor(tensor):
    assert tensor.shape == (28, 28)
    assert tensor.dtype == np.float32
    assert np.isfinite(tensor).all()
    assert tensor.min() >= 0
    assert tensor.max() <= 1


@contextmanager
def _limited():
    """Check the CPU time and the memory of the block."""
    started, before = time.thread_time(), _restart_peak()
    try:
        yield
    finally:
        assert time.thread_time() - started <= MAX_SECONDS
        assert _peak() - before <= MAX_MEGABYTES


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
    if body and code >= 400 and headers["Content-Type"] == "application/json":
        # Errors of the Open Inference Protocol have one member.
        assert environ["PATH_INFO"].startswith("/v2")
        assert isinstance(json.loads(body)["error"], str)
    elif body and code >= 400 and headers["Content-Type"] != "text/html; charset=utf-8":
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


TARGETS = {"decode": decode, "number": read_number, "post": post}
