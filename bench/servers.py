"""The servers to measure: start them pinned to a CPU, check their responses, stop them."""

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

import psutil

from bench.fixtures import CONTENT_TYPE, DIGIT, Fixture
from dlflask.config import ROOT

PATH = "/predictlabel"

#: TensorFlow on a busy core takes a minute to start; a server that takes longer is broken.
START_SECONDS = 180
RESPONSE_SECONDS = 60

SERVICE, NGINX, NOOP, KERAS = "service", "nginx", "baseline_noop", "baseline_keras_predict"
TARGETS = (SERVICE, NGINX, NOOP, KERAS)

_GUNICORN_ARGUMENTS = {
    SERVICE: ["server:app"],
    NOOP: ["--config", "bench/baseline_noop_gunicorn.py", "bench.baseline_noop:app"],
    KERAS: [
        *("--config", "bench/baseline_keras_predict.py"),
        "bench.baseline_keras_predict:create_app()",
    ],
}


class ServerError(Exception):
    """A server ended, did not respond, or returned a wrong prediction."""


@dataclass(frozen=True)
class Host:
    """This machine.

    Attributes:
        cpus: CPUs that a process can be pinned to; empty where pinning is not available.
        python: Python of the service's environment.
    """

    cpus: tuple[int, ...] = ()
    python: str = sys.executable

    def pin_server(self) -> list[str]:
        """Return the start of a command that runs on the first CPU."""
        return _pin(self.cpus[:1])

    def pin_load(self) -> list[str]:
        """Return the start of a command that runs on the last CPU."""
        return _pin(self.cpus[-1:])

    def describe_cpus(self) -> str:
        """Describe for the report which CPUs are used."""
        if not self.cpus:
            return "not pinned: `taskset` is not installed"
        if len(self.cpus) == 1:
            return "servers and load share the only CPU: figures are too low"
        return f"servers and NGINX on CPU {self.cpus[0]}, load on CPU {self.cpus[-1]}"


def find_cpus() -> tuple[int, ...]:
    """Return the CPUs that this process may use, or an empty tuple without `taskset`."""
    if shutil.which("taskset") is None:
        return ()
    return tuple(sorted(psutil.Process().cpu_affinity() or ()))


def _pin(cpus: tuple[int, ...]) -> list[str]:
    return ["taskset", "--cpu-list", str(cpus[0])] if cpus else []


@dataclass(frozen=True)
class Server:
    """A running server."""

    target: str
    port: int
    process: subprocess.Popen[bytes]

    def url(self, path: str = PATH) -> str:
        """Return the address of `path`."""
        return f"http://127.0.0.1:{self.port}{path}"

    def post(self, body: bytes) -> tuple[int, bytes]:
        """Send one form on a new connection and return status and body of the response."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=RESPONSE_SECONDS)
        with closing(connection):
            connection.request("POST", PATH, body, {"Content-Type": CONTENT_TYPE})
            response = connection.getresponse()
            return response.status, response.read()

    def check(self, fixture: Fixture) -> None:
        """Raise ServerError unless the response is 200 and, from the service, shows a 4."""
        status, body = self.post(fixture.form())
        found = json.loads(body).get("most_probable_label") if status == 200 else None
        if status != 200 or (self.target in (SERVICE, NGINX) and found != str(DIGIT)):
            raise ServerError(
                f"{self.target} returned {status} for the {fixture.name}: {body[:200]!r}; "
                f"expected 200 and the label {DIGIT}"
            )

    def measure_memory(self) -> dict[str, float]:
        """Return the memory of all its processes in MB.

        `rss` counts a shared page once per process, `pss` counts it once. Only Linux has `pss`.
        """
        parent = psutil.Process(self.process.pid)
        found = [each.memory_full_info() for each in (parent, *parent.children(recursive=True))]
        names = [name for name in ("rss", "pss") if hasattr(found[0], name)]
        return {name: sum(getattr(each, name) for each in found) / 1e6 for name in names}


def missing(target: str) -> str | None:
    """Return what must be installed before `target` can run, or None."""
    if target == NGINX and shutil.which("nginx") is None:
        return "NGINX is not installed (Debian and Ubuntu: nginx; Homebrew: nginx)."
    if target == KERAS and importlib.util.find_spec("tensorflow") is None:
        return "TensorFlow is not installed in this Python; `make bench` runs in one that has it."
    return None


@contextmanager
def run_server(target: str, host: Host, fixture: Fixture) -> Iterator[Server]:
    """Run a target under Gunicorn with one worker; yield once it returns predictions."""
    python = sys.executable if target == KERAS else host.python
    port = free_port()
    address = f"127.0.0.1:{port}"
    command = [python, "-m", "gunicorn", "--bind", address, *_GUNICORN_ARGUMENTS[target]]
    with run(
        [*host.pin_server(), *command],
        WEB_CONCURRENCY="1",
        KERAS_BACKEND="tensorflow" if target == KERAS else "openvino",
        TF_CPP_MIN_LOG_LEVEL="3",
    ) as process:
        server = Server(target, port, process)
        wait_until_ready(server, fixture)
        yield server


@contextmanager
def run(command: list[str], **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process in the project's folder; add the end of its stderr to a ServerError."""
    with tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(  # noqa: S603  the commands are built in this package
            command,
            cwd=ROOT,
            env=os.environ | environment,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
        try:
            yield process
        except ServerError as error:
            stderr.seek(0)
            raise ServerError(f"{error}\n{stderr.read()[-2000:].decode()}") from error
        finally:
            process.terminate()
            process.wait(timeout=30)


def wait_until_ready(server: Server, fixture: Fixture) -> None:
    """Send `fixture` every 5 ms until the server accepts connections.

    Raises:
        ServerError: The process ends, returns a wrong response or does not start in time.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise ServerError(f"{server.target} ended with {server.process.returncode}")
        try:
            return server.check(fixture)
        except OSError:
            time.sleep(0.005)
    raise ServerError(f"{server.target} did not respond within {START_SECONDS} s")


def free_port() -> int:
    """Return an unused port."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
        return port
