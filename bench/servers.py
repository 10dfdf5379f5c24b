"""A target's name in, a running server out: pinned, answering, ended afterwards."""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from bench.machine import Cores
from bench.pictures import CONTENT_TYPE, DIGIT, Picture
from dlflask.config import ROOT

PATH = "/predictlabel"

#: TensorFlow on a busy core takes a minute to start; a server that takes longer is broken.
START_SECONDS = 180
ANSWER_SECONDS = 60

OURS, NGINX, FLOOR, ORIGINAL = "ours", "ours behind NGINX", "floor", "original"
TARGETS = (OURS, NGINX, FLOOR, ORIGINAL)

_OF_GUNICORN = {
    OURS: ["server:app"],
    FLOOR: ["--config", "bench/floor_gunicorn.py", "bench.floor:app"],
    ORIGINAL: ["--config", "bench/original_gunicorn.py", "bench.original:app"],
}


class DoesNotServe(Exception):
    """A target ended, or did not answer, or answered wrong."""


@dataclass(frozen=True)
class Host:
    """What servers are started with.

    Attributes:
        python: Of the service's environment, which holds no TensorFlow.
    """

    cores: Cores
    python: str = sys.executable


@dataclass(frozen=True)
class Server:
    """A running target."""

    target: str
    port: int
    process: subprocess.Popen[bytes]

    def url(self, path: str = PATH) -> str:
        """The address of `path`."""
        return f"http://127.0.0.1:{self.port}{path}"

    def post(self, body: bytes, path: str = PATH) -> tuple[int, bytes]:
        """Send one form on a connection of its own: status and body of the answer."""
        with closing(_connect(self.port)) as connection:
            connection.request("POST", path, body, {"Content-Type": CONTENT_TYPE})
            answer = connection.getresponse()
            return answer.status, answer.read()

    def check(self, picture: Picture) -> None:
        """See that `picture` is answered; ours must see the digit in it.

        Raises:
            DoesNotServe: It is not.
        """
        status, body = self.post(picture.form)
        says = json.loads(body).get("most_probable_label") if status == http.HTTPStatus.OK else None
        if status != http.HTTPStatus.OK or (self.target in (OURS, NGINX) and says != str(DIGIT)):
            raise DoesNotServe(
                f"{self.target} answers {status} to the {picture.name}: {body[:200]!r}"
            )


def missing(target: str) -> str | None:
    """What has to be installed before `target` can run, as a sentence; None if nothing."""
    if target == NGINX and shutil.which("nginx") is None:
        return "NGINX is not installed (Debian and Ubuntu: nginx; Homebrew: nginx)."
    if target == ORIGINAL and importlib.util.find_spec("tensorflow") is None:
        return "TensorFlow is not installed in this Python; `make bench` runs in one that has it."
    return None


@contextmanager
def run_server(target: str, host: Host, picture: Picture, workers: int = 1) -> Iterator[Server]:
    """One of ours, floor and original under Gunicorn; yields once it answers `picture` right."""
    python = sys.executable if target == ORIGINAL else host.python
    port = free_port()
    command = [python, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", *_OF_GUNICORN[target]]
    backend = "tensorflow" if target == ORIGINAL else "openvino"
    with run(
        [*host.cores.for_server(workers), *command],
        WEB_CONCURRENCY=str(workers),
        PORT=str(port),
        KERAS_BACKEND=backend,
        TF_CPP_MIN_LOG_LEVEL="3",
    ) as process:
        server = Server(target, port, process)
        wait_until_right(server, picture)
        yield server


@contextmanager
def run(command: list[str], **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process in the project's folder, ended afterwards; its last words go with a fault."""
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(  # noqa: S603  the commands stand above
            command,
            cwd=ROOT,
            env=os.environ | environment,
            stdout=subprocess.DEVNULL,
            stderr=words,
        )
        try:
            yield process
        except DoesNotServe as fault:
            words.seek(0)
            raise DoesNotServe(f"{fault}\n{words.read()[-2000:].decode()}") from fault
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until_right(server: Server, picture: Picture) -> None:
    """Ask until `picture` is answered right, every 5 ms.

    Raises:
        DoesNotServe: The process ends, or nothing listens after `START_SECONDS`.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise DoesNotServe(f"{server.target} ended with {server.process.returncode}")
        try:
            return server.check(picture)
        except OSError:
            time.sleep(0.005)
    raise DoesNotServe(f"{server.target} did not answer within {START_SECONDS} s")


def free_port() -> int:
    """A port that nothing listens at."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
        return port


def _connect(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
