"""Start the servers (targets) on one CPU, check their responses, and stop them."""

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

#: Maximum time in seconds for the start of a server. TensorFlow on a busy CPU takes a minute.
START_SECONDS = 180
#: Maximum time in seconds to wait for the next bytes of a response.
RESPONSE_SECONDS = 60

SERVICE, NGINX, NOOP, KERAS = "service", "nginx", "baseline_noop", "baseline_keras_predict"
TARGETS = (SERVICE, NGINX, NOOP, KERAS)

#: Arguments of Gunicorn for each target that runs under Gunicorn.
_GUNICORN_ARGUMENTS = {
    SERVICE: ["server:app"],
    NOOP: ["--config", "bench/baseline_noop_gunicorn.py", "bench.baseline_noop:app"],
    KERAS: [
        *("--config", "bench/baseline_keras_predict.py"),
        "bench.baseline_keras_predict:create_app()",
    ],
}


class ServerError(Exception):
    """A server ended, did not respond, or sent a wrong response."""


@dataclass(frozen=True)
class Host:
    """CPUs and Python program that the benchmark uses on this machine.

    Attributes:
        cpus: Numbers of the CPUs. Servers run on the first, the load comes from the last. Empty if
            the operating system chooses the CPUs.
        python: Python program of the service's environment.
    """

    cpus: tuple[int, ...] = ()
    python: str = sys.executable

    def describe_cpus(self) -> str:
        """Return a text for the report about the CPUs that are used."""
        if not self.cpus:
            return "not pinned: this operating system does not support it"
        if len(self.cpus) == 1:
            return "servers and load share the only CPU, so they are slower"
        return f"servers and NGINX on CPU {self.cpus[0]}, load on CPU {self.cpus[-1]}"


def find_cpus() -> tuple[int, ...]:
    """Return the CPUs that this process may use. On macOS they are unknown; return ()."""
    process = psutil.Process()
    return tuple(sorted(process.cpu_affinity())) if hasattr(process, "cpu_affinity") else ()


@dataclass(frozen=True)
class Server:
    """Running server. `process` is its main process."""

    target: str
    port: int
    process: subprocess.Popen[bytes]

    def url(self, path: str = PATH) -> str:
        """Return the address of `path`."""
        return f"http://127.0.0.1:{self.port}{path}"

    def post(self, body: bytes) -> tuple[int, bytes]:
        """Send a form on a new connection. Return the status and the body of the response."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=RESPONSE_SECONDS)
        with closing(connection):
            connection.request("POST", PATH, body, {"Content-Type": CONTENT_TYPE})
            response = connection.getresponse()
            return response.status, response.read()

    def check(self, fixture: Fixture) -> None:
        """Send `fixture` and check the response.

        Raises:
            ServerError: The status is not 200, or the service predicted another digit.
        """
        status, body = self.post(fixture.form())
        found = json.loads(body).get("most_probable_label") if status == 200 else None
        if status != 200 or (self.target in (SERVICE, NGINX) and found != str(DIGIT)):
            raise ServerError(
                f"{self.target} returned the status {status} for the {fixture.name}, with the body "
                f"{body[:200]!r}; expected the status 200 and the label {DIGIT}"
            )

    def measure_memory(self) -> dict[str, float]:
        """Return the memory of the process and its child processes in MB.

        `rss` counts a shared page once for each process, `pss` counts it once in total. Only Linux
        reports `pss`.
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
        return "TensorFlow is not installed here. `make bench` uses an environment with TensorFlow."
    return None


@contextmanager
def run_server(target: str, host: Host, fixture: Fixture) -> Iterator[Server]:
    """Run a target under Gunicorn with one worker. Yield after its first correct response."""
    python = sys.executable if target == KERAS else host.python
    port = free_port()
    address = f"127.0.0.1:{port}"
    command = [python, "-m", "gunicorn", "--bind", address, *_GUNICORN_ARGUMENTS[target]]
    with run(
        command,
        host,
        WEB_CONCURRENCY="1",
        KERAS_BACKEND="tensorflow" if target == KERAS else "openvino",
        TF_CPP_MIN_LOG_LEVEL="3",
    ) as process:
        server = Server(target, port, process)
        wait_until_ready(server, fixture)
        yield server


@contextmanager
def run(command: list[str], host: Host, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server in the project's folder. Add the end of its stderr to each ServerError.

    The server and its child processes run on the first CPU.
    """
    with tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(  # noqa: S603  the commands are built in this package
            command,
            cwd=ROOT,
            env=os.environ | environment,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
        try:
            if host.cpus:
                psutil.Process(process.pid).cpu_affinity([host.cpus[0]])
            yield process
        except ServerError as error:
            stderr.seek(0)
            raise ServerError(f"{error}\n{stderr.read()[-2000:].decode()}") from error
        finally:
            process.terminate()
            process.wait(timeout=30)


def wait_until_ready(server: Server, fixture: Fixture) -> None:
    """Send `fixture` again and again until the server responds.

    Raises:
        ServerError: The process ended, sent a wrong response or did not start in time.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise ServerError(
                f"{server.target} ended with the exit status {server.process.returncode}"
            )
        try:
            return server.check(fixture)
        except OSError:
            time.sleep(0.005)
    raise ServerError(f"{server.target} did not respond within {START_SECONDS} s")


def free_port() -> int:
    """Return the number of a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
