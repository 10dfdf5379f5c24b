"""Start of the real service for a test, and HTTP requests to it."""

import http.client
import os
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent

#: Time limit of a start, in seconds, more than a cold start takes on a slow machine.
START_SECONDS = 60


def free_port():
    """Return a port of 127.0.0.1 that is free now."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return listener.getsockname()[1]


def without_tensorflow():
    """Return variables for a Python process that does not find TensorFlow.

    Keras imports TensorFlow if it is installed, as it is in the environment of the tests. That
    takes 2 s of CPU time and 350 MB; the service's own environment and image do not have it.
    """
    return {"PYTHONPATH": str(Path(__file__).with_name("without_tensorflow"))}


@contextmanager
def running_server(folder=ROOT, **environment):
    """Start the service under Gunicorn, yield its port once it is ready, and stop it."""
    port = free_port()
    if environment.get("KERAS_BACKEND") != "tensorflow":
        environment = without_tensorflow() | environment
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "server:app"],
        cwd=folder,
        env=os.environ | {"PORT": str(port), "KERAS_BACKEND": "openvino"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_until_ready(port, process)
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=60)


def wait_until_ready(port, process=None, seconds=START_SECONDS):
    """Poll /readyz until it returns 200; fail with the log if the process exits."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process is not None and process.poll() is not None:
            raise AssertionError(f"the server exited:\n{process.communicate()[0]}")
        try:
            if ask(port, "GET", "/readyz").status == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"the server was not ready after {seconds} s")


class Response:
    """Status, headers and body of an HTTP response."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()


def ask(port, method, path, body=None, content_type=None, **headers):
    """Send one request on a new connection and return the response."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        return ask_on(connection, method, path, body, content_type, **headers)


def ask_on(connection, method, path, body=None, content_type=None, **headers):
    """Send one request on `connection`; `Some_Header=...` is sent as Some-Header."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if content_type:
        named["Content-Type"] = content_type
    connection.request(method, path, body, named)
    return Response(connection.getresponse())
