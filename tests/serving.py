"""Start the real service for a test, and ask it over HTTP."""

import http.client
import os
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent

#: More than a cold start takes on a slow machine; a service that is not ready by then is broken.
START_SECONDS = 60


def free_port():
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return listener.getsockname()[1]


@contextmanager
def running_server(folder=ROOT, **environment):
    """The service under gunicorn; yields its port once it is ready, and ends it afterwards."""
    port = free_port()
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
    """Poll /readyz until it answers 200; fail with the log if the process ends before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process is not None and process.poll() is not None:
            raise AssertionError(f"the server ended:\n{process.communicate()[0]}")
        try:
            if ask(port, "GET", "/readyz").status == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"the server was not ready after {seconds} s")


class Answer:
    """Status, headers and body of one HTTP answer."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()


def ask(port, method, path, body=None, content_type=None, **headers):
    """One request on a connection of its own."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        return ask_on(connection, method, path, body, content_type, **headers)


def ask_on(connection, method, path, body=None, content_type=None, **headers):
    """One request on a connection that is kept; `Some_Header=...` is sent as Some-Header."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if content_type:
        named["Content-Type"] = content_type
    connection.request(method, path, body, named)
    return Answer(connection.getresponse())
