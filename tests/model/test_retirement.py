"""Replacement of a worker that has run out of memory or lost a thread."""

import contextlib
import http.client
import json
import os
import subprocess
import sys
import threading
import time

import pytest

from tests.serving import ROOT, ask, free_port, wait_until_ready, without_tensorflow

FOUR = (ROOT / "static" / "4.jpg").read_bytes()


class Server:
    """A server with one worker that runs tests/model/failing_app.py."""

    def __init__(self, port, log):
        self.port = port
        self._log = log

    def lines(self):
        """Return the log since the first worker was ready; every line is JSON."""
        lines = self._log.read_text().splitlines()
        while lines and "Worker is ready" not in lines[0]:
            del lines[0]  # TensorFlow, if it is installed, writes when it is imported.
        return [json.loads(line) for line in lines]

    def worker(self):
        """Return the process id of the newest worker that is ready."""
        ready = [one["pid"] for one in self.lines() if one["message"].startswith("Worker is ready")]
        return ready[-1]

    def reason(self, worker):
        """Return the reason why `worker` was replaced, which is logged once."""
        reasons = [
            one["message"] for one in self.lines() if f"{worker} is replaced" in one["message"]
        ]
        assert len(reasons) == 1
        return reasons[0]

    def trigger(self, path):
        """Trigger a fault; the worker may not respond."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            ask(self.port, "GET", path)

    def read_digit(self):
        return ask(self.port, "POST", "/predictlabel", FOUR, "image/jpeg").status

    def wait_for_another(self, worker):
        deadline = time.monotonic() + 90
        while self.worker() == worker:
            assert time.monotonic() < deadline, self.lines()
            time.sleep(0.05)
        assert self.read_digit() == 200


@pytest.fixture(scope="module")
def failing(tmp_path_factory):
    port = free_port()
    log = tmp_path_factory.mktemp("failing") / "log"
    environment = {"PORT": str(port), "KERAS_BACKEND": "openvino", "WEB_CONCURRENCY": "1"}
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "tests.model.failing_app:app"],
            cwd=ROOT,
            env=os.environ | environment | without_tensorflow(),
            stderr=stderr,
        )
        try:
            wait_until_ready(port, process)
            yield Server(port, log)
        finally:
            process.terminate()
            process.wait(timeout=60)


def run_at_once(number, function, *arguments):
    threads = [threading.Thread(target=function, args=arguments) for _ in range(number)]
    for thread in threads:
        thread.start()
    return threads


@pytest.mark.parametrize(
    ("path", "times", "reason"),
    [
        pytest.param(
            "/openapi.json?inside=run_out", 1, "a request ran out of memory", id="in-flask"
        ),
        pytest.param(
            "/openapi.json?outside=run_out", 1, "a request ran out of memory", id="outside"
        ),
        pytest.param(
            "/openapi.json?inside=eat_memory",
            1,
            "out of memory",
            id="for-real",
            marks=pytest.mark.skipif(
                sys.platform != "linux", reason="the kernel bounds a process on Linux only"
            ),
        ),
        pytest.param("/openapi.json?inside=die", 1, "a thread died", id="one-thread"),
        pytest.param("/openapi.json?inside=die_together", 3, "a thread died", id="all-threads"),
    ],
)
def test_damaged_worker_is_replaced(failing, path, times, reason):
    worker = failing.worker()

    threads = run_at_once(times, failing.trigger, path)

    failing.wait_for_another(worker)
    assert reason in failing.reason(worker)
    for thread in threads:
        thread.join()


def test_replaced_worker_finishes_current_requests(failing):
    worker = failing.worker()
    statuses = []

    def send():
        statuses.extend(failing.read_digit() for _ in range(40))

    threads = run_at_once(4, send)
    failing.trigger("/openapi.json?inside=run_out")
    for thread in threads:
        thread.join()

    failing.wait_for_another(worker)
    assert statuses == [200] * 160


def test_unexpected_error_is_one_line_of_json(failing):
    before = len(failing.lines())

    assert ask(failing.port, "GET", "/openapi.json?inside=fail").status == 500
    assert ask(failing.port, "GET", "/openapi.json?outside=fail").status == 500

    errors = [line["exception"].splitlines()[-1] for line in failing.lines()[before:]]
    assert errors == ["two lines", "two lines"]
